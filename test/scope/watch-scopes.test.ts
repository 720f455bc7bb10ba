import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Access, Directory, Place } from '../../src/lib/directory/directory.ts'
import type { Principal } from '../../src/lib/directory/principal.ts'
import { DEFAULT_LIMITS } from '../../src/lib/limits/limits.ts'
import type { Log } from '../../src/lib/observe/log.ts'
import type { ChatExecutionContext } from '../../src/lib/scope/chat-execution-context.ts'
import { NOT_FOUND } from '../../src/lib/scope/refusal.ts'
import { resolveChatScope } from '../../src/lib/scope/resolve-chat-scope.ts'
import type { ScopeSources } from '../../src/lib/scope/resolve-chat-scope.ts'
import { createScopeWatch } from '../../src/lib/scope/watch-scopes.ts'
import type { ScopeNews, ScopeWatchParts } from '../../src/lib/scope/watch-scopes.ts'
import { contextOf } from '../support/context-of.ts'

const EVERY_MS = 4_000
const ORG: Place = { id: 'org-1', slug: 'acme', name: 'Acme' }

/** A log of which only the warnings are kept. */
function noted() {
  const warnings: string[] = []
  const log: Log = { child: () => log, info: () => {}, warn: (_, message) => void warnings.push(message), error: () => {} }
  return { log, warnings }
}

describe('a watch over scopes in use', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    const left = vi.getTimerCount()
    vi.useRealTimers()
    if (left > 0) throw new Error(`${left} timers are left.`)
  })

  function begin(answer: ScopeWatchParts['resolve']) {
    const asked: string[] = []
    const { log, warnings } = noted()
    const watch = createScopeWatch({
      everyMs: EVERY_MS,
      log,
      resolve(who, target, permission, known) {
        asked.push(`${who.subject} ${permission}`)
        return answer(who, target, permission, known)
      },
    })
    const use = (context: ChatExecutionContext, permission: 'read' | 'chat' = 'read') => {
      const heard: ScopeNews[] = []
      return { heard, leave: watch.watch(context, permission, (news) => heard.push(news)) }
    }
    return { watch, asked, warnings, use }
  }

  const rounds = (count: number) => vi.advanceTimersByTimeAsync(count * EVERY_MS)
  const projects = (news: ScopeNews | undefined) => (news?.ok ? news.rows.projectIds : news?.code)

  test('what is used many times is asked once, what nobody uses is not asked', async () => {
    const bob = contextOf('bob', ['one'])
    const { asked, use } = begin(async () => bob)
    const all = Array.from({ length: 50 }, () => use(bob, 'chat'))
    const reader = use(bob)
    const other = use(contextOf('ada', ['one']))
    await rounds(1)
    expect(asked.splice(0)).toEqual(['bob chat', 'bob read', 'ada read'])
    for (const { leave } of all.slice(1)) leave()
    other.leave()
    await rounds(1)
    expect(asked.splice(0)).toEqual(['bob chat', 'bob read'])
    all[0]?.leave()
    reader.leave()
    expect(vi.getTimerCount()).toBe(0)
    await rounds(2)
    expect(asked).toEqual([])
    const again = use(bob)
    await rounds(1)
    expect(asked).toEqual(['bob read'])
    again.leave()
  })

  test('what was taken away is told once, to each by what it had; what was given is not', async () => {
    let now = contextOf('bob', ['one', 'two'])
    const { use } = begin(async () => contextOf('bob', now.rows.projectIds.filter((id) => id !== '*')))
    const wide = use(now)
    const narrow = use(contextOf('bob', ['one']))
    await rounds(1)
    now = contextOf('bob', ['one', 'three'])
    await rounds(2)
    expect(wide.heard.map(projects)).toEqual([['one', '*']])
    expect(narrow.heard).toEqual([])
    now = contextOf('bob', ['one', 'two'])
    await rounds(1)
    now = contextOf('bob', [])
    await rounds(2)
    expect(wide.heard.map(projects)).toEqual([['one', '*'], ['*']])
    expect(narrow.heard.map(projects)).toEqual([['*']])
    wide.leave()
    narrow.leave()
  })

  test('one that began with more than the answer before hears that it was taken away again', async () => {
    const { use } = begin(async () => contextOf('bob', ['one']))
    const first = use(contextOf('bob', ['one']))
    await rounds(1)
    const later = use(contextOf('bob', ['one', 'two']))
    await rounds(1)
    expect(first.heard).toEqual([])
    expect(later.heard.map(projects)).toEqual([['one', '*']])
    first.leave()
    later.leave()
  })

  test('a refusal is told, and who has left hears nothing', async () => {
    let refused = false
    const bob = contextOf('bob', ['one'])
    const { use } = begin(async () => (refused ? NOT_FOUND : bob))
    const stays = use(bob)
    const leaves = use(bob)
    await rounds(1)
    refused = true
    leaves.leave()
    await rounds(2)
    expect(stays.heard).toEqual([NOT_FOUND])
    expect(leaves.heard).toEqual([])
    stays.leave()
  })

  test('a directory that fails is no news: said to the log once, and asked again', async () => {
    let state: 'fails' | 'refuses' = 'fails'
    const { asked, warnings, use } = begin(async () => {
      if (state === 'fails') throw new Error('the directory is away')
      return NOT_FOUND
    })
    const bob = use(contextOf('bob', ['one']))
    await rounds(10)
    expect(asked).toHaveLength(10)
    expect(warnings).toEqual(['a scope in use could not be asked for again; what uses it goes on'])
    expect(bob.heard).toEqual([])
    state = 'refuses'
    await rounds(1)
    expect(bob.heard).toEqual([NOT_FOUND])
    bob.leave()
  })

  test('one that hangs is not asked twice, holds nobody up, and is heard in the end', async () => {
    const hanging = Promise.withResolvers<ScopeNews>()
    const ada = contextOf('ada', ['one'])
    const { asked, warnings, use } = begin((who) => (who.subject.startsWith('bob') ? hanging.promise : Promise.resolve(ada)))
    const bobs = Array.from({ length: 20 }, (_, n) => use(contextOf(`bob-${n}`, ['one'])))
    const hers = use(ada)
    await rounds(6)
    expect(asked.filter((one) => one === 'bob-0 read')).toHaveLength(1)
    expect(new Set(asked).size).toBe(21)
    expect(bobs.flatMap(({ heard }) => heard)).toEqual([])
    expect(warnings).toHaveLength(20)
    expect(asked.filter((one) => one === 'ada read').length).toBeGreaterThan(1)
    hanging.resolve(NOT_FOUND)
    await rounds(1)
    for (const { heard, leave } of bobs) {
      expect(heard).toEqual([NOT_FOUND])
      leave()
    }
    hers.leave()
    await rounds(1)
  })

  test('at most eight are asked at a time', async () => {
    let most = 0
    let now = 0
    const { use } = begin(async (who) => {
      most = Math.max(most, (now += 1))
      await Promise.resolve()
      now -= 1
      return contextOf(who.subject, ['one'])
    })
    const all = Array.from({ length: 30 }, (_, n) => use(contextOf(`p${n}`, ['one'])))
    await rounds(1)
    expect(most).toBe(8)
    for (const { leave } of all) leave()
  })

  test('closed, it asks and tells nobody', async () => {
    const late = Promise.withResolvers<ScopeNews>()
    const { watch, asked, use } = begin(() => late.promise)
    const bob = use(contextOf('bob', ['one']))
    await rounds(1)
    watch.close()
    late.resolve(NOT_FOUND)
    const after = use(contextOf('ada', ['one']))
    await rounds(2)
    expect([asked, bob.heard, after.heard]).toEqual([['bob read'], [], []])
    bob.leave()
    after.leave()
  })

  test('a directory with a version is not asked for its projects while that stays', async () => {
    let access: Access = { role: 'member', org: ORG, version: 'v1' }
    let visible: readonly Place[] = [ORG]
    let listed = 0
    let held = true
    let enabled = true
    const directory: Directory = {
      access: async () => access,
      async projects() {
        listed += 1
        return visible
      },
    }
    const sources: ScopeSources = {
      directory,
      settings: async () => ({ org: { ai_enabled: enabled, instructions: '', model: null }, project: { ai_enabled: true, instructions: '', model: null } }),
      models: () => ['offline'],
      tools: () => [],
      limits: DEFAULT_LIMITS,
      credentialHolds: async () => held,
    }
    const who: Principal = { subject: 'bob', kind: 'person' }
    const context = await resolveChatScope(sources, who, { org: 'acme' })
    if (!context.ok) throw new Error(context.code)
    const { asked, use } = begin((...question) => resolveChatScope(sources, ...question))
    const bob = use(context)
    await rounds(3)
    expect([asked.length, listed]).toEqual([3, 1])
    visible = []
    await rounds(1)
    expect([bob.heard, listed]).toEqual([[], 1]) // the version is the directory's word
    access = { ...access, version: 'v2' }
    await rounds(2)
    expect([bob.heard.map(projects), listed]).toEqual([[['*']], 2])
    enabled = false // which is Ambit's own to know
    const run = use(context, 'chat')
    await rounds(1)
    expect([run.heard.map(projects).at(-1), bob.heard.length]).toEqual(['ai_unavailable', 1])
    held = false
    await rounds(1)
    expect(bob.heard.map(projects)).toEqual([['*'], 'unauthenticated'])
    bob.leave()
    run.leave()
  })
})
