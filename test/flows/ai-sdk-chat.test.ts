import { Chat } from '@ai-sdk/react'
import { DefaultChatTransport, uiMessageChunkSchema } from 'ai'
import type { UIMessage, UIMessageChunk } from 'ai'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import { ambitTransport } from '../../src/client.ts'
import { APOLLO, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { imageBytes, uploadFile } from '../support/files.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import type { Script } from '../support/scripted-model.ts'
import { freshThread, messagesOf, must, runOf, serve, useStage } from '../support/stage.ts'
import { storedForm } from '../support/stored-form.ts'

// What a page does that was written for any server of the AI SDK: its own Chat, with its own transport, over a real socket.

/** The published transport, each of whose chunks is judged by the published schema. */
class JudgedTransport extends DefaultChatTransport<UIMessage> {
  readonly chunks: UIMessageChunk[] = []

  protected override processResponseStream(stream: ReadableStream<Uint8Array<ArrayBufferLike>>): ReadableStream<UIMessageChunk> {
    const { validate } = uiMessageChunkSchema()
    const judge = new TransformStream<UIMessageChunk, UIMessageChunk>({
      transform: async (chunk, controller) => {
        const verdict = await must(validate)(chunk)
        if (!verdict.success) throw verdict.error
        this.chunks.push(chunk)
        controller.enqueue(chunk)
      },
    })
    return super.processResponseStream(stream).pipeThrough(judge)
  }
}

/** For what comes as soon as it can, on a machine that has much to do. */
const SOON = { timeout: 10_000 }

const half = (text: string): Script => says(text).slice(0, 3)
const rest = (text: string): Script => says(text).slice(2)
const words = (message: UIMessage | undefined): string => must(message).parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('')

describe.each(databaseKinds)('the AI SDK’s Chat on $name', (kind) => {
  const stage = useStage(kind)

  async function open(ambit: Pick<Ambit, 'fetch'>) {
    const served = await serve(ambit)
    onTestFinished(() => served.close())
    const headers = { authorization: `Bearer ${stage.world.keys.bob}` }
    const page = (id: string, messages: UIMessage[] = []) => {
      const transport = new JudgedTransport({ api: `${served.url}${APOLLO}/chat`, headers })
      return { chat: new Chat<UIMessage>({ id, messages, transport }), transport }
    }
    const stop = async (thread: string) => {
      const response = await fetch(`${served.url}${APOLLO}/chat/${thread}/stop`, { method: 'POST', headers })
      return (await response.json()) as unknown
    }
    return { page, stop, url: served.url, headers }
  }

  /** The message that the page holds is the one that is stored. */
  async function expectStored(ambit: Ambit, thread: string, message: UIMessage | undefined): Promise<void> {
    const stored = must((await messagesOf(stage, ambit, { thread })).find(({ id }) => id === must(message).id))
    expect(storedForm(must(message))).toEqual(stored.parts)
  }

  test('files go with a message, are shown by their path, and are sent again with an edit of it', async () => {
    const model = scriptedModel(says('One.'), says('Two.'), says('Three.'))
    const { ambit } = stage.start({ model, images: ['test:*'] })
    const { page, url, headers } = await open(ambit)
    const thread = freshThread()
    const bytes = imageBytes('image/png')
    const { id } = await uploadFile(stage, ambit, bytes, { name: 'plan.png', type: 'image/png' })
    const { chat } = page(thread)
    await chat.sendMessage({ text: 'What is this?', files: [{ type: 'file', mediaType: 'image/png', filename: 'plan.png', url: `ambit-file:${id}` }] })
    expect([chat.status, words(chat.lastMessage)]).toEqual(['ready', 'One.'])

    const loaded = page(thread, (await messagesOf(stage, ambit, { thread })) as unknown as UIMessage[]).chat
    const asked = must(loaded.messages[0])
    const files = asked.parts.filter((part) => part.type === 'file')
    expect(files).toEqual([{ type: 'file', mediaType: 'image/png', filename: 'plan.png', url: `${APOLLO}/files/${id}` }])
    const shown = await fetch(new URL(must(files[0]).url, url), { headers })
    expect([shown.status, new Uint8Array(await shown.arrayBuffer())]).toEqual([200, bytes])
    await loaded.sendMessage({ text: 'What is that?', files, messageId: asked.id })
    expect([loaded.status, words(loaded.lastMessage)]).toEqual(['ready', 'Two.'])
    await loaded.regenerate()
    expect([loaded.status, words(loaded.lastMessage)]).toEqual(['ready', 'Three.'])
    const shownImages = model.calls.map(({ prompt }) => must(prompt.at(-1)).content).map((content) => Array.isArray(content) && content.filter(({ type }) => type === 'file').length)
    expect(shownImages).toEqual([1, 1, 1])
    expect((await messagesOf(stage, ambit, { thread })).filter(({ role }) => role === 'user').map(({ parts }) => parts.map((part) => part['type']))).toEqual([['file', 'text'], ['file', 'text']])
  })

  test('a page that is loaded again in mid-answer shows the whole of it, and the tab that stayed does, too', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([...half('First, '), waiting.opened, ...rest('then.')]) })
    const { page } = await open(ambit)
    const thread = freshThread()
    const stayed = page(thread).chat
    const asked = stayed.sendMessage({ text: 'Go on.' })
    await vi.waitFor(() => expect(words(stayed.lastMessage)).toBe('First, '), SOON)
    const loaded = page(thread, stayed.messages.slice(0, 1)).chat
    const resumed = loaded.resumeStream()
    await vi.waitFor(() => expect(words(loaded.lastMessage)).toBe('First, '), SOON)
    const left = page(thread, stayed.messages.slice(0, 1)).chat
    const leaving = left.resumeStream()
    await vi.waitFor(() => expect(words(left.lastMessage)).toBe('First, '), SOON)
    await left.stop() // of the published client: its connection ends, and the run does not
    await leaving
    waiting.open()
    await Promise.all([asked, resumed])
    for (const chat of [stayed, loaded]) {
      expect([chat.status, chat.error, words(chat.lastMessage), chat.messages.length]).toEqual(['ready', undefined, 'First, then.', 2])
      await expectStored(ambit, thread, chat.lastMessage)
    }
    await loaded.resumeStream() // nothing runs any more: the page stays as it is
    expect([loaded.status, words(loaded.lastMessage)]).toEqual(['ready', 'First, then.'])
  })

  test('stops by the endpoint: what was said stays, and the thread goes on', async () => {
    const { ambit } = stage.start({ model: scriptedModel([...half('So far'), new Promise<never>(() => {})], says('Again.')) })
    const { page, stop } = await open(ambit)
    const thread = freshThread()
    const { chat, transport } = page(thread)
    const asked = chat.sendMessage({ text: 'Go on.' })
    await vi.waitFor(() => expect(words(chat.lastMessage)).toBe('So far'), SOON)
    expect(await stop(thread)).toMatchObject({ state: 'stopped' })
    await asked
    expect([chat.status, transport.chunks.at(-1)?.type]).toEqual(['ready', 'abort'])
    await expectStored(ambit, thread, chat.lastMessage)
    await chat.sendMessage({ text: 'Once more.' })
    expect([chat.error, words(chat.lastMessage)]).toEqual([undefined, 'Again.'])
  })

  test('two quick sends: the second is refused with the run that answers, and attaches to it', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([...half('Only '), waiting.opened, ...rest('once.')]) })
    const { page } = await open(ambit)
    const thread = freshThread()
    const { chat } = page(thread)
    const first = chat.sendMessage({ text: 'One?' })
    await vi.waitFor(() => expect(words(chat.lastMessage)).toBe('Only '), SOON)
    const second = page(thread, chat.messages.slice(0, 1)).chat
    await second.sendMessage({ text: 'Two?' })
    const refusal = JSON.parse(must(second.error).message) as { readonly code: string; readonly run: string }
    expect([second.status, refusal.code]).toEqual(['error', 'conflict'])
    expect(await runOf(stage, ambit, refusal.run)).toMatchObject({ state: 'running' })
    second.clearError()
    second.messages = second.messages.slice(0, 1) // the message that was not taken
    const attached = second.resumeStream()
    await vi.waitFor(() => expect(words(second.lastMessage)).toBe('Only '), SOON)
    waiting.open()
    await Promise.all([first, attached])
    for (const one of [chat, second]) {
      expect([one.status, words(one.lastMessage)]).toEqual(['ready', 'Only once.'])
      await expectStored(ambit, thread, one.lastMessage)
    }
    expect((await messagesOf(stage, ambit, { thread })).map(({ role }) => role)).toEqual(['user', 'assistant'])
  })

  test('regenerates, and edits: another answer, another question, and nothing lost', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('One.'), says('Two.'), says('Three.')) })
    const { page } = await open(ambit)
    const thread = freshThread()
    const { chat } = page(thread)
    await chat.sendMessage({ text: 'Which?' })
    const [question, first] = chat.messages
    await chat.regenerate()
    expect([chat.messages.length, words(chat.lastMessage), chat.lastMessage?.id === first?.id]).toEqual([2, 'Two.', false])
    await expectStored(ambit, thread, chat.lastMessage)
    await chat.sendMessage({ text: 'Which one?', messageId: must(question).id })
    expect([chat.error, chat.messages.length, words(chat.lastMessage)]).toEqual([undefined, 2, 'Three.'])
    await expectStored(ambit, thread, chat.lastMessage)
    const stored = await messagesOf(stage, ambit, { thread })
    expect(stored.map(({ role }) => role)).toEqual(['user', 'assistant', 'assistant', 'user', 'assistant'])
    expect(stored[3]?.metadata.ambit.parent_id).toBe(stored[0]?.metadata.ambit.parent_id)
  })

  test('an attempt that was dropped in mid-text is taken back: in the page that followed, in the one that came later, in the store', async () => {
    const [breaking, going] = [gate(), gate()]
    const { ambit } = stage.start({ model: scriptedModel([...half('No, wa'), breaking.opened], [...half('Right'), going.opened, ...rest('.')]) })
    const { page, url, headers } = await open(ambit)
    const thread = freshThread()
    const { chat, transport } = page(thread)
    const own = new Chat<UIMessage>({ id: thread, transport: ambitTransport({ url, org: 'acme', project: 'apollo', headers }) })
    const asked = chat.sendMessage({ text: 'Go on.' })
    await vi.waitFor(() => expect(words(chat.lastMessage)).toBe('No, wa'), SOON)
    const followed = own.resumeStream()
    await vi.waitFor(() => expect(words(own.lastMessage)).toBe('No, wa'), SOON)
    breaking.open()
    await vi.waitFor(() => expect([words(chat.lastMessage), words(own.lastMessage)]).toEqual(['Right', 'Right']), SOON)
    const later = page(thread, chat.messages.slice(0, 1))
    const resumed = later.chat.resumeStream()
    await vi.waitFor(() => expect(words(later.chat.lastMessage)).toBe('Right'), SOON)
    going.open()
    await Promise.all([asked, followed, resumed])
    for (const one of [chat, own, later.chat]) {
      expect([one.error, words(one.lastMessage)]).toEqual([undefined, 'Right.'])
      await expectStored(ambit, thread, one.lastMessage)
    }
    expect(transport.chunks.filter(({ type }) => type === 'reset-step')).toHaveLength(1)
    expect(later.transport.chunks.filter(({ type }) => type === 'reset-step')).toEqual([])
  })

  test.runIf(kind.name === 'PostgreSQL')('a run that another node takes over in mid-text: the page takes it up there, and holds what is stored', async () => {
    const waiting = gate()
    const model = scriptedModel([...half('Half of i'), new Promise<never>(() => {})], [...half('The whole'), waiting.opened, ...rest(' of it.')])
    const first = stage.start({ model, node: 'first' })
    const second = stage.start({ model, node: 'second' })
    let serving: Ambit = first.ambit
    const { page, url, headers } = await open({ fetch: (request) => serving.fetch(request) })
    const thread = freshThread()
    const { chat } = page(thread)
    const transport = ambitTransport({ url, org: 'acme', project: 'apollo', headers, reconnect: { firstDelayMs: 10, maxDelayMs: 200, tries: 100 } })
    const own = new Chat<UIMessage>({ id: thread, transport })
    const asked = chat.sendMessage({ text: 'Go on.' })
    await vi.waitFor(() => expect(words(chat.lastMessage)).toBe('Half of i'), SOON)
    const followed = own.resumeStream()
    await vi.waitFor(() => expect(words(own.lastMessage)).toBe('Half of i'), SOON)
    await second.ambit.start()
    serving = second.ambit
    await first.ambit.close({ graceMs: 0 })
    await asked
    expect(chat.status).toBe('error') // a connection that was reset: the published client leaves it to the page
    await vi.waitFor(() => expect(words(own.lastMessage)).toBe('The whole'), SOON)
    chat.clearError()
    const resumed = chat.resumeStream()
    await vi.waitFor(() => expect(words(chat.lastMessage)).toBe('The whole'), SOON)
    waiting.open()
    await Promise.all([followed, resumed])
    for (const one of [chat, own]) {
      expect([one.error, words(one.lastMessage)]).toEqual([undefined, 'The whole of it.'])
      await expectStored(second.ambit, thread, one.lastMessage)
    }
    expect((await send(second.ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stream`)).status).toBe(204)
  })
})
