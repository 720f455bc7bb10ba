import type { Chat } from '@ai-sdk/react'
import type { UIMessage } from 'ai'
import { DefaultChatTransport } from 'ai'
import { describe, expect, test, vi } from 'vitest'
import { isAmbitError } from '../../src/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, messagesOf, must, runOf, useStage } from '../support/stage.ts'
import { openPage, textOf } from './page.ts'

const never = new Promise<never>(() => {})
const halfSaid = [...says('Half, ').slice(0, 3), never]

async function seen(chat: Chat<UIMessage>, text: string): Promise<void> {
  await vi.waitFor(() => expect(textOf(chat.messages.at(-1))).toBe(text))
}

function runOfMessage(message: UIMessage | undefined): string {
  return (must(message).metadata as { ambit: { run: string } }).ambit.run
}

describe.each(databaseKinds)('a chat of ai 7 on $name', (kind) => {
  const stage = useStage(kind)

  test('gets its answers, and sends what is new and never the history', async () => {
    const model = scriptedModel(says('One ', 'two.'), says('Three.'))
    const { ambit } = stage.start({ model })
    const page = await openPage(stage, ambit, { body: { about: [{ type: 'note', id: 'n1' }] } })
    const thread = freshThread()
    const chat = page.chat(thread)
    await chat.sendMessage({ text: 'First?' })
    expect([chat.status, chat.error, textOf(chat.lastMessage)]).toEqual(['ready', undefined, 'One two.'])
    await chat.sendMessage({ text: 'Second?' }, { body: { unknown: 1 } })
    expect(chat.messages.map((message) => [message.role, textOf(message)])).toEqual([
      ['user', 'First?'], ['assistant', 'One two.'], ['user', 'Second?'], ['assistant', 'Three.'],
    ])
    const stored = await messagesOf(stage, ambit, { thread })
    expect(stored.map(({ id }) => id)).toEqual(chat.messages.map(({ id }) => id))
    expect(page.sent.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
      { method: 'POST', path: '/v1/orgs/acme/projects/apollo/chat', body: { about: [{ type: 'note', id: 'n1' }], id: thread, trigger: 'submit-message', message: chat.messages[0] } },
      { method: 'POST', path: '/v1/orgs/acme/projects/apollo/chat', body: { about: [{ type: 'note', id: 'n1' }], unknown: 1, id: thread, trigger: 'submit-message', message: chat.messages[2] } },
    ])
    expect(JSON.stringify(page.sent[1])).not.toContain('First?')
    expect(JSON.stringify(must(model.calls[1]).prompt)).toContain('First?')
  })

  test('a model that is not allowed, named in the body, is refused and not passed over', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('No.')) })
    const page = await openPage(stage, ambit, { body: () => ({ model: 'openai:other' }) })
    const chat = page.chat(freshThread())
    await chat.sendMessage({ text: 'Hello?' })
    expect(chat.error).toMatchObject({ name: 'AmbitError', code: 'forbidden', status: 403 })
  })

  test('asks at the organisation, and where the host names the place', async () => {
    const target = async () => ({ org: 'acme', project: 'apollo' })
    for (const [options, place, path] of [
      [{}, { org: 'acme', project: undefined }, '/v1/orgs/acme/chat'],
      [{ target, basePath: '/api/ambit' }, { org: undefined, project: undefined }, '/api/ambit/chat'],
    ] as const) {
      const { ambit } = stage.start({ model: scriptedModel(says('Here.')), ...options })
      const page = await openPage(stage, ambit, {})
      const transport = (await openPage(stage, ambit, { ...place, url: `${page.url}${'basePath' in options ? '/api/ambit/' : ''}` } as never))
      const chat = transport.chat(freshThread())
      await chat.sendMessage({ text: 'Where?' })
      expect([chat.error, textOf(chat.lastMessage)]).toEqual([undefined, 'Here.'])
      expect(transport.sent.map((sent) => sent.path)).toEqual([path])
    }
  })

  test('regenerates: another answer to the same message', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('One.'), says('Two.'), says('Three.')) })
    const page = await openPage(stage, ambit)
    const thread = freshThread()
    const chat = page.chat(thread)
    await chat.sendMessage({ text: 'Which?' })
    const first = must(chat.lastMessage).id
    await chat.regenerate()
    expect([chat.messages.length, textOf(chat.lastMessage)]).toEqual([2, 'Two.'])
    expect(must(page.sent[1]).body).toEqual({ id: thread, trigger: 'regenerate-message' })
    await chat.regenerate({ messageId: must(chat.lastMessage).id })
    expect([chat.messages.length, textOf(chat.lastMessage)]).toEqual([2, 'Three.'])
    const stored = await messagesOf(stage, ambit, { thread })
    expect(stored.map((message) => message.metadata.ambit.parent_id)).toEqual([null, ...Array.from({ length: 3 }, () => must(stored[0]).metadata.ambit.id)])
    expect(stored[1]?.id).toBe(first)
  })

  test('edits: a sibling of what was edited', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('One.'), says('Two.')) })
    const page = await openPage(stage, ambit)
    const thread = freshThread()
    const chat = page.chat(thread)
    await chat.sendMessage({ text: 'Whch?' })
    const { id } = must(chat.messages[0])
    await chat.sendMessage({ text: 'Which?', messageId: id })
    expect(chat.messages.map(textOf)).toEqual(['Which?', 'Two.'])
    expect(must(page.sent[1]).body).toMatchObject({ trigger: 'submit-message', messageId: id, message: { id, parts: [{ type: 'text', text: 'Which?' }] } })
    const stored = await messagesOf(stage, ambit, { thread })
    expect(stored.map((message) => [message.role, message.metadata.ambit.parent_id === null])).toEqual([['user', true], ['assistant', false], ['user', true], ['assistant', false]])
  })

  test('the untouched transport comes to the same messages', async () => {
    const shapes: unknown[] = []
    for (const own of [true, false]) {
      const { ambit } = stage.start({ model: scriptedModel(says('One.'), says('Two.'), says('Three.')) })
      const page = await openPage(stage, ambit)
      const thread = freshThread()
      const chat = page.chat(thread)
      if (!own) {
        const headers = { authorization: `Bearer ${stage.world.keys.bob}` }
        Object.assign(chat, { transport: new DefaultChatTransport({ api: `${page.url}/v1/orgs/acme/projects/apollo/chat`, headers }) })
      }
      await chat.sendMessage({ text: 'Whch?' })
      await chat.sendMessage({ text: 'Which?', messageId: must(chat.messages[0]).id })
      await chat.regenerate()
      await chat.resumeStream()
      expect(page.sent.length).toBe(own ? 4 : 0)
      const stored = await messagesOf(stage, ambit, { thread })
      const numbers = new Map(stored.map(({ metadata }, index) => [metadata.ambit.id, index]))
      shapes.push([chat.messages.map(textOf), chat.status, stored.map(({ role, parts, metadata }) => [role, parts, numbers.get(metadata.ambit.parent_id ?? '')])])
    }
    expect(shapes[0]).toEqual(shapes[1])
  })

  test('a new page resumes the whole answer, and 204 is nothing to resume', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)]) })
    const page = await openPage(stage, ambit)
    const thread = freshThread()
    const before = page.chat(thread)
    const asked = before.sendMessage({ text: 'Go on.' })
    await seen(before, 'Half, ')
    const after = page.chat(thread, [must(before.messages[0])])
    const resumed = after.resumeStream()
    await seen(after, 'Half, ')
    waiting.open()
    await Promise.all([asked, resumed])
    expect(after.messages).toEqual(before.messages)
    expect(textOf(after.lastMessage)).toBe('Half, whole.')
    await after.resumeStream()
    expect([after.status, after.messages.length]).toEqual(['ready', 2])
    expect(page.sent.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET'])
  })

  test('a page that is loaded again begins with what is stored, and goes on with what is said', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel(says('One.'), says('Two.'), [...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)]) })
    const page = await openPage(stage, ambit)
    const thread = freshThread()
    const before = page.chat(thread)
    await before.sendMessage({ text: 'First?' })
    await before.regenerate()
    const asked = before.sendMessage({ text: 'Second?' })
    await seen(before, 'Half, ')
    const after = page.chat(thread, await page.transport.load(thread))
    expect(after.messages.map(textOf)).toEqual(['First?', 'Two.', 'Second?', ''])
    const resumed = after.resumeStream()
    await seen(after, 'Half, ')
    waiting.open()
    await Promise.all([asked, resumed])
    expect(after.messages.map(({ id, role, parts }) => ({ id, role, parts }))).toEqual(before.messages.map(({ id, role, parts }) => ({ id, role, parts })))
    expect((await page.transport.load(thread)).map(textOf)).toEqual(['First?', 'Two.', 'Second?', 'Half, whole.'])
    expect(await page.transport.load('nobody-knows-it')).toEqual([])
  })

  test('stop() ends the run: once, by its id, in a request that outlives the page; the next message waits for it', async () => {
    const model = scriptedModel(halfSaid, says('Next.'))
    const { ambit } = stage.start({ model })
    const order: string[] = []
    const page = await openPage(stage, ambit, {
      async fetch(url, init) {
        const what = must(url.split('/').at(-1))
        order.push(what)
        const response = await fetch(url, init)
        order.push(`${what} answered`)
        return response
      },
    })
    const thread = freshThread()
    const chat = page.chat(thread)
    const asked = chat.sendMessage({ text: 'Go on.' })
    await seen(chat, 'Half, ')
    const run = runOfMessage(chat.lastMessage)
    await Promise.all([chat.stop(), chat.stop()])
    await asked
    expect([chat.status, chat.error]).toEqual(['ready', undefined])
    await chat.sendMessage({ text: 'And now?' })
    expect([chat.error, textOf(chat.lastMessage)]).toEqual([undefined, 'Next.'])
    expect(order).toEqual(['chat', 'chat answered', 'stop', 'stop answered', 'chat', 'chat answered'])
    const stops = page.sent.filter(({ path }) => path.endsWith('/stop'))
    expect(stops.map(({ path, body, init }) => [path, body, init.keepalive])).toEqual([[`/v1/orgs/acme/projects/apollo/chat/${thread}/stop`, { run }, true]])
    expect(await runOf(stage, ambit, run)).toMatchObject({ state: 'stopped' })
    expect(must(model.calls[0]).abortSignal?.aborted).toBe(true)
    expect(model.cancelled()).toBe(1)
  })

  test('stop() before the first answer waits for it, to stop what was begun', async () => {
    const model = scriptedModel([never])
    const { ambit } = stage.start({ model })
    const held = gate()
    const page = await openPage(stage, ambit, {
      async fetch(url, init) {
        const response = await fetch(url, init)
        if (url.endsWith('/chat')) await held.opened
        return response
      },
    })
    const chat = page.chat(freshThread())
    const asked = chat.sendMessage({ text: 'Go on.' })
    await vi.waitFor(() => expect(model.calls.length).toBe(1))
    await chat.stop()
    await asked
    expect([chat.status, page.sent.length]).toEqual(['ready', 1])
    held.open()
    await vi.waitFor(() => expect(model.cancelled()).toBe(1))
    expect(page.sent.length).toBe(2)
  })

  test('who leaves stops nothing: a stream that is cancelled, an abort where it is no stop, a reader that another replaces', async () => {
    const waiting = gate()
    const model = scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)])
    const { ambit } = stage.start({ model })
    let answered = 0
    const page = await openPage(stage, ambit, {
      async fetch(url, init) {
        const response = await fetch(url, init)
        answered += 1
        return response
      },
    })
    const thread = freshThread()
    const chat = page.chat(thread)
    const asked = chat.sendMessage({ text: 'Go on.' })
    await seen(chat, 'Half, ')

    const stream = must(await page.transport.reconnectToStream({ chatId: thread }))
    const reader = stream.getReader()
    await reader.read()
    await reader.cancel()

    const leaves = await openPage(stage, ambit, { stopOnAbort: false })
    const left = leaves.chat(thread)
    const leftResumed = left.resumeStream()
    await seen(left, 'Half, ')
    await left.stop()
    await leftResumed

    const again = page.chat(thread)
    const first = again.resumeStream()
    await seen(again, 'Half, ')
    const second = again.resumeStream()
    await first
    await vi.waitFor(() => expect(answered).toBe(4))

    const gone = page.chat(thread)
    const unanswered = gone.resumeStream()
    await gone.stop()
    await unanswered

    waiting.open()
    await Promise.all([asked, second])
    expect([textOf(chat.lastMessage), textOf(again.lastMessage)]).toEqual(['Half, whole.', 'Half, whole.'])
    expect([...page.sent, ...leaves.sent].filter(({ path }) => path.endsWith('/stop'))).toEqual([])
    expect(model.cancelled()).toBe(0)
  })

  test('a stop by name, without a chat: of what runs, and of nothing', async () => {
    const model = scriptedModel(halfSaid)
    const { ambit } = stage.start({ model })
    const page = await openPage(stage, ambit)
    const thread = freshThread()
    const chat = page.chat(thread)
    const asked = chat.sendMessage({ text: 'Go on.' })
    await seen(chat, 'Half, ')
    const run = runOfMessage(chat.lastMessage)
    expect(await page.transport.stop(thread)).toEqual({ run, state: 'stopped' })
    await asked
    expect(chat.status).toBe('ready')
    expect(await page.transport.stop(thread)).toEqual({ run: null, state: 'idle' })
    expect(await page.transport.stop(thread, run)).toEqual({ run, state: 'stopped' })
    await expect(page.transport.stop('nobody-knows-it')).rejects.toMatchObject({ code: 'not_found', status: 404 })
  })

  test('a stop that does not come through is told', async () => {
    const { ambit } = stage.start({ model: scriptedModel(halfSaid) })
    const failures: unknown[] = []
    const page = await openPage(stage, ambit, {
      onStopFailed: (error) => failures.push(error),
      fetch: (url, init) => (url.endsWith('/stop') ? Promise.reject(new TypeError('Failed to fetch')) : fetch(url, init)),
    })
    const chat = page.chat(freshThread())
    const asked = chat.sendMessage({ text: 'Go on.' })
    await seen(chat, 'Half, ')
    await chat.stop()
    await asked
    await vi.waitFor(() => expect(failures).toMatchObject([{ code: 'unreachable', status: 0 }]))
  })

  test('two quick sends: the second is refused by name of the run, and sent again when it is free', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)], says('Second.')) })
    const page = await openPage(stage, ambit)
    const thread = freshThread()
    const chat = page.chat(thread)
    const asked = chat.sendMessage({ text: 'First?' })
    await seen(chat, 'Half, ')
    const run = runOfMessage(chat.lastMessage)
    const other = page.chat(thread, [...chat.messages])
    await other.sendMessage({ text: 'Second?' })
    expect(isAmbitError(other.error)).toBe(true)
    expect(other.error).toMatchObject({ code: 'conflict', status: 409, run, message: 'This thread is being answered. Follow the active run, stop it, or wait for its end.' })
    expect(other.error).toHaveProperty('thread', expect.stringMatching(/^thr_/))
    waiting.open()
    await asked
    await other.regenerate() // the message never arrived: it is sent, not the one before answered again
    expect([other.error, other.messages.map(textOf).slice(2)]).toEqual([undefined, ['Second?', 'Second.']])
    const stored = await messagesOf(stage, ambit, { thread })
    expect(stored.map(({ parts }) => parts.at(-1)?.['text'])).toEqual(['First?', 'Half, whole.', 'Second?', 'Second.'])
  })
})
