import { describe, expect, test } from 'vitest'
import type { Ambit, ChatCommand, Directory, Frame, Role } from '../../src/index.ts'
import { parseCursor } from '../../src/index.ts'
import { parseStream, said } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, logged, messagesOf, must, useStage } from '../support/stage.ts'

const bob = { subject: 'bob', kind: 'person' } as const
const inApollo = { org: 'acme', project: 'apollo' }

function ask(thread: string): ChatCommand {
  return { thread, trigger: 'submit', message: { clientId: null, text: 'Go on.' }, messageId: null, model: null }
}

async function contextOf(ambit: Ambit) {
  const context = await ambit.resolveChatScope(bob, inApollo)
  if (!context.ok) throw new Error(context.detail)
  return context
}

async function collect(frames: AsyncIterable<Frame>): Promise<Frame[]> {
  const all: Frame[] = []
  for await (const frame of frames) all.push(frame)
  return all
}

describe.each(databaseKinds)('without HTTP, on $name', (kind) => {
  const stage = useStage(kind)

  test('a run is opened, followed from its start and from any of its frames, also after its end', async () => {
    const { ambit, lines } = stage.start({ model: scriptedModel(says('One ', 'two.')) })
    const context = await contextOf(ambit)
    const opened = await ambit.openRun(context, ask(freshThread()))
    if (!opened.ok) throw new Error(opened.detail)
    const frames = await collect(ambit.follow(context, opened.run))
    const streamed = parseStream(`${frames.map((frame) => frame.text).join('')}data: [DONE]\n\n`)
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('One two.')
    for (const [index, id] of streamed.ids.slice(0, -1).entries()) {
      const rest = await collect(ambit.follow(context, opened.run, must(parseCursor(id))))
      expect(rest.map((frame) => frame.text)).toEqual(frames.slice(index + 1).map((frame) => frame.text))
    }
    expect(await logged(lines, 'answered')).toMatchObject({ org_slug: 'acme', project_slug: 'apollo', run_id: opened.run.id })
  })

  test('a follower who leaves leaves the run alone', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)]) })
    const context = await contextOf(ambit)
    const thread = freshThread()
    const opened = await ambit.openRun(context, ask(thread))
    if (!opened.ok) throw new Error(opened.detail)
    let seen = ''
    for await (const frame of ambit.follow(context, opened.run)) {
      seen += frame.text
      if (seen.includes('Half, ')) break
    }
    waiting.open()
    const frames = await collect(ambit.follow(context, opened.run))
    expect(frames.at(-1)?.terminal).toBe(true)
    expect((await messagesOf(stage, ambit, { thread })).at(-1)?.parts.at(-1)).toMatchObject({ text: 'Half, whole.' })
  })

  test('refusals are values', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('x')) })
    expect(await ambit.resolveChatScope(bob, { org: 'globex' })).toMatchObject({ ok: false, code: 'not_found' })
    expect(await ambit.resolveChatScope({ subject: 'dave', kind: 'person' }, inApollo)).toMatchObject({ ok: false, code: 'forbidden' })
    const context = await contextOf(ambit)
    expect(await ambit.openRun(context, { ...ask(freshThread()), model: 'other:model' })).toMatchObject({ ok: false, code: 'forbidden' })
  })

  test.each(['readonly', 'Viewer', 'toString', '', undefined])('a directory that answers with the role %o opens nothing', async (role) => {
    const org = { id: 'acme', slug: 'acme', name: 'Acme' }
    const directory: Directory = { access: async () => ({ role: role as Role, org }), projects: async () => [] }
    const { ambit } = stage.start({ model: scriptedModel(says('x')), directory })
    await expect(ambit.resolveChatScope(bob, { org: 'acme' })).rejects.toThrow('The directory answered with a role that is none of owner, admin, member and viewer.')
  })

  test('a directory that answers with a text as its grants opens nothing', async () => {
    const access = { role: 'member', grants: 'payroll', org: { id: 'acme', slug: 'acme', name: 'Acme' } }
    const directory: Directory = { access: async () => access as never, projects: async () => [] }
    const { ambit } = stage.start({ model: scriptedModel(says('x')), directory })
    await expect(ambit.resolveChatScope(bob, { org: 'acme' })).rejects.toThrow('The directory answered with grants that are no list.')
  })
})
