import { AsyncResource } from 'node:async_hooks'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { FROM_THE_START, followRun } from '../../src/lib/journal/follow-run.ts'
import type { Frame } from '../../src/lib/journal/journal.ts'
import { memoryJournal } from '../../src/lib/journal/memory-journal.ts'
import { createRunWatch } from '../../src/lib/journal/run-watch.ts'
import { DEFAULT_LIMITS } from '../../src/lib/limits/limits.ts'
import type { Handles, ScopedSql } from '../../src/lib/store/handles.ts'
import { openRun } from '../../src/lib/run/open-run.ts'
import { createPen } from '../../src/lib/run/pen.ts'
import { parseStream } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { leaveBehind, textChunks } from '../support/left-behind.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { useStage } from '../support/stage.ts'
import { newId } from '../support/world.ts'

/** With the first frame, exactly as many rows as a reader takes from the store at a time: the owner changes between two readings. */
const COMMITS = 19

/** Not of the transaction in which it is called: nobody else would open one inside another. */
const outside = AsyncResource.bind((work: () => Promise<void>) => work())

describe.each(databaseKinds)('following on $name', (kind) => {
  const stage = useStage(kind)

  test('a stored run that another owner ended is replayed whole, however many commits it has', async () => {
    const { handles, superuser } = stage.database
    const { ambit } = stage.start({ model: scriptedModel(says('x')) })
    const context = await ambit.resolveChatScope({ subject: 'bob', kind: 'person' }, { org: 'acme', project: 'apollo' })
    if (!context.ok) throw new Error(context.detail)
    await ambit.close()
    const command = { thread: newId('own'), trigger: 'submit', message: { clientId: null, text: 'Go on.' }, messageId: null, model: null } as const
    const opened = await openRun({ scoped: handles.scoped, newId, owner: { id: 'first', epoch: 1 } }, context, command)
    if (!opened.ok || !opened.begun) throw new Error('The run was not begun.')
    const { owned } = opened.begun
    const parts = { scoped: handles.scoped, sweeper: handles.sweeper, holds: () => true, journal: memoryJournal() }
    const pen = createPen(owned, { rows: context.rows, limits: DEFAULT_LIMITS }, parts)
    for (let commit = 0; commit < COMMITS; commit += 1) await pen.commit({ chunks: [{ type: 'start-step' }, { type: 'finish-step' }] })
    await superuser.transaction('', (sql) => sql.query('update ambit.runs set fence = 2 where id = $1', [owned.id]))
    const heir = createPen({ ...owned, fence: 2, lastSeq: 1 + 2 * COMMITS }, { rows: context.rows, limits: DEFAULT_LIMITS }, { ...parts, journal: memoryJournal() })
    for (let commit = 0; commit < COMMITS; commit += 1) await heir.commit({ chunks: [{ type: 'start-step' }, { type: 'finish-step' }] })
    await heir.end({ chunks: [], terminal: { type: 'finish', finishReason: 'stop' }, end: { state: 'completed', finishReason: 'stop', errorCode: null } })

    const frames: Frame[] = []
    const reader = { reader: context.rows, run: opened.run, from: { after: FROM_THE_START }, signal: new AbortController().signal }
    for await (const batch of followRun({ scoped: handles.scoped, journal: memoryJournal(), watch: createRunWatch(handles), holds: () => true, closing: new AbortController().signal }, reader)) frames.push(...batch)
    expect(frames.map((frame) => frame.seq)).toEqual(Array.from({ length: 2 + 4 * COMMITS }, (_, index) => index + 1))
    expect(new Set(frames.map((frame) => frame.fence))).toEqual(new Set([1, 2]))
    expect(frames.at(-1)?.terminal).toBe(true)
  })

  test.runIf(kind.name === 'PostgreSQL')('from a dropped attempt, when another owner takes the run and writes between two statements of the reader', async () => {
    const { handles, superuser } = stage.database
    const { owned, context, pen } = await leaveBehind(stage, {
      async live(before) {
        before.say({ type: 'start-step' })
        for (const chunk of textChunks('1.1', 'Lost.')) before.say(chunk)
      },
    })
    const takeAndWrite = async () => {
      await superuser.transaction('', async (sql) => {
        await sql.query('update ambit.runs set fence = 2 where id = $1', [owned.id])
        await sql.query(`insert into ambit.claims (org_id, project_id, run_id, fence, base, node_id, epoch) select org_id, project_id, id, 2, 1, 'heir', 1 from ambit.runs where id = $1`, [owned.id])
      })
      const heir = createPen({ ...owned, fence: 2 }, { rows: context.rows, limits: DEFAULT_LIMITS }, { ...handles, holds: () => true, journal: memoryJournal() })
      for (const chunk of [{ type: 'start-step' } as const, ...textChunks('1.1', 'Kept.')]) heir.say(chunk)
      await heir.end({ chunks: [], terminal: { type: 'finish', finishReason: 'stop' }, end: { state: 'completed', finishReason: 'stop', errorCode: null } })
    }
    let between: (() => Promise<void>) | null = takeAndWrite
    const scoped: Handles['scoped'] = (rows, work) =>
      handles.scoped(rows, (sql) => work({ ...sql, async query(text: string, values?: readonly unknown[]) {
        const first = text.includes('from ambit.frames') ? between : null
        if (first) {
          between = null
          await outside(first)
        }
        return sql.query(text, values)
      } } as ScopedSql))
    const chunks: string[] = []
    const parts = { scoped, journal: memoryJournal(), watch: createRunWatch(handles), holds: () => true, closing: new AbortController().signal }
    for await (const batch of followRun(parts, { reader: context.rows, run: { id: owned.id, projectId: owned.projectId }, from: { after: { fence: 1, seq: 3 } }, signal: new AbortController().signal })) {
      for (const { text } of batch) chunks.push(...parseStream(text).chunks.map(({ type }) => type))
    }
    expect(chunks).toEqual(['reset-step', 'text-start', 'text-delta', 'text-end', 'finish-step', 'finish'])
    expect(pen.fence()).toBe(1)
  })

  test('what is committed and hidden ends the reading: nobody waits for what he may not see', async () => {
    const { handles, superuser } = stage.database
    const { owned, context, pen } = await leaveBehind(stage)
    await pen.commit({ chunks: [{ type: 'start-step' }, ...textChunks('1.1', 'Of both.')] })
    await superuser.transaction('', (sql) => sql.query(`update ambit.read_sets set projects = '["of-others"]' where run_id = $1`, [owned.id]))
    const watch = { changed: () => Promise.reject(new Error('It waited.')), nudge: () => {} }
    const parts = { scoped: handles.scoped, journal: memoryJournal(), watch, holds: () => true, closing: new AbortController().signal }
    const following = { reader: context.rows, run: { id: owned.id, projectId: owned.projectId }, from: { after: { fence: 1, seq: 1 } }, signal: new AbortController().signal }
    expect(await followRun(parts, following).next()).toEqual({ done: true, value: undefined })
  })

  test('a journal that has been silent for long is asked again when it has something, and the store once', async () => {
    const { handles } = stage.database
    const { owned, context } = await leaveBehind(stage)
    const going = new AbortController()
    let reads = 0
    const scoped: Handles['scoped'] = (rows, work) => ((reads += 1), handles.scoped(rows, work))
    const silent = { ...memoryJournal(), tail: () => ({ next: () => delay(600, 'elsewhere' as const), close: () => {} }) }
    const waited = new Promise<void>((resolve) => {
      const changed = async () => {
        resolve()
        await once(going.signal, 'abort')
      }
      const parts = { scoped, journal: silent, watch: { changed, nudge: () => {} }, holds: () => true, closing: new AbortController().signal }
      const following = { reader: context.rows, run: { id: owned.id, projectId: owned.projectId }, from: { after: { fence: 1, seq: 1 } }, signal: going.signal }
      void followRun(parts, following).next()
    })
    await waited
    expect(reads).toBe(1)
    going.abort()
  })
})
