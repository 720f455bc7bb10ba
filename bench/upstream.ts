import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { answerParent } from './parent.ts'
import { monotonicMicros, parseScript, tokenText } from './script.ts'

// A model behind the chat completions protocol that answers as its user message tells it: so many tokens, one event each.

interface Message {
  readonly role: string
  readonly content: string | readonly { readonly type: string; readonly text: string }[]
}

const EVENTS_PER_WRITE = 32
const HEAD = '{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1790000000,"model":"bench","system_fingerprint":"fp_bench",'

let asked = { requests: 0, messages: 0 }
let heldAnswers: (() => void)[] = []
let open = 0

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { messages } = JSON.parse(await text(request)) as { messages: readonly Message[] }
  asked = { requests: asked.requests + 1, messages: asked.messages + messages.length }
  const { tokens, rate, hold } = parseScript(lastUserText(messages))
  open += 1
  response.once('close', () => (open -= 1))
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  response.flushHeaders()
  const held = hold ? 1 : 0
  if (hold) {
    response.write(deltas(0, held))
    const { promise, resolve } = Promise.withResolvers<void>()
    heldAnswers.push(resolve)
    await promise
  }
  if (rate > 0) await paced(response, tokens, rate)
  else await burst(response, held, tokens)
  response.end(
    `data: ${HEAD}"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n` +
      `data: ${HEAD}"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":${tokens},"total_tokens":${tokens + 10}}}\n\ndata: [DONE]\n\n`,
  )
}

async function burst(response: ServerResponse, from: number, tokens: number): Promise<void> {
  for (let first = from; first < tokens; first += EVENTS_PER_WRITE) {
    if (response.destroyed) return
    if (!response.write(deltas(first, Math.min(first + EVENTS_PER_WRITE, tokens)))) await drained(response)
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

/** By the clock and not by the last token: a late one does not delay those after it. */
async function paced(response: ServerResponse, tokens: number, rate: number): Promise<void> {
  const start = performance.now()
  for (let index = 0; index < tokens; index += 1) {
    const due = start + (index * 1000) / rate - performance.now()
    if (due > 0) await pause(due)
    if (response.destroyed) return
    response.write(deltas(index, index + 1))
  }
}

function deltas(first: number, end: number): string {
  const micros = monotonicMicros()
  let events = ''
  for (let index = first; index < end; index += 1) {
    const role = index === 0 ? '"role":"assistant",' : ''
    events += `data: ${HEAD}"choices":[{"index":0,"delta":{${role}"content":"${tokenText(index, micros)}"},"logprobs":null,"finish_reason":null}]}\n\n`
  }
  return events
}

function lastUserText(messages: readonly Message[]): string {
  const content = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  return typeof content === 'string' ? content : content.map((part) => part.text).join('')
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    process.stderr.write(`upstream: ${String(error)}\n`)
    response.destroy()
  })
})
server.keepAliveTimeout = 0 // a connection that a server keeps is never taken from it between two measurements
server.listen(0, '127.0.0.1', 4096)
await once(server, 'listening')

answerParent(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, {
  /** Requests and messages since this was asked the last time. */
  asked: () => {
    const answered = asked
    asked = { requests: 0, messages: 0 }
    return answered
  },
  /** Answers that nobody has read to the end or broken off yet. */
  open: () => open,
  /** What is held goes on, so many a second. */
  release: async (perSecond: number) => {
    const going = heldAnswers
    heldAnswers = []
    const start = performance.now()
    for (const [index, go] of going.entries()) {
      const due = start + (index * 1000) / perSecond - performance.now()
      if (due > 0) await pause(due)
      go()
    }
  },
})
