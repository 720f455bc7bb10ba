import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { historyText } from './history-text.ts'
import { answerParent } from './parent.ts'
import { readAnswer } from './read-answer.ts'
import type { Dialect } from './read-answer.ts'
import { scriptText } from './script.ts'
import type { Script } from './script.ts'
import { median, percentile } from './statistics.ts'

/** Many requests of one kind against one server. */
export interface Job {
  readonly url: string
  /** Where runs are followed, if not in the answer to the question. */
  readonly runs: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly dialect: Dialect
  readonly script: Script
  readonly requests: number
  readonly atOnce: number
  /** Between the starts of two lanes, and after each answer of a lane. */
  readonly pauseMs: number
  /** Messages that the body carries before the question. */
  readonly history: number
  /** Messages of which the model must hear at least, with each request. */
  readonly told: number
  /** A thread for each lane; empty: a new one for each request. */
  readonly threads: readonly string[]
}

export interface Outcome {
  readonly requests: number
  readonly tokens: number
  readonly deltas: number
  /** What went wrong, in words; anything here makes the measurement worthless. */
  readonly errors: readonly string[]
  readonly firstMs: number
  readonly latencyMs: { readonly p50: number; readonly p99: number }
}

const ANSWER_MS = 120_000
let asked = 0

async function run(job: Job, mayBegin: (lane: number) => Promise<unknown>, onFirst: () => void): Promise<Outcome> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  const history = historyOf(job.history)
  const firstMs: number[] = []
  const latencies: number[] = []
  const errors: string[] = []
  let [next, deltas] = [0, 0]

  const ask = async (lane: number): Promise<void> => {
    const started = performance.now()
    const posted = await post(job, agent, bodyOf(job, history, lane))
    const answer = await readAnswer(await followed(job, agent, posted), {
      dialect: job.dialect,
      tokens: job.script.tokens,
      onFirst() {
        firstMs.push(performance.now() - started)
        onFirst()
      },
    })
    deltas += answer.deltas
    for (const latency of answer.latencies) latencies.push(latency)
  }

  const walk = async (lane: number): Promise<void> => {
    await mayBegin(lane)
    while (next < job.requests) {
      next += 1
      await ask(lane).catch((error: unknown) => {
        errors.push(String(error))
        onFirst() // nobody waits for an answer that will not come
      })
      if (job.pauseMs > 0) await pause(job.pauseMs)
    }
  }

  await Promise.all(Array.from({ length: job.atOnce }, (_, lane) => walk(lane)))
  agent.destroy()
  return {
    requests: job.requests,
    tokens: latencies.length,
    deltas,
    errors,
    firstMs: median(firstMs),
    latencyMs: { p50: percentile(latencies, 0.5) / 1000, p99: percentile(latencies, 0.99) / 1000 },
  }
}

async function post(job: Job, agent: Agent, body: string): Promise<IncomingMessage> {
  const headers = { ...job.headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const outgoing = request(job.url, { method: 'POST', agent, headers, timeout: ANSWER_MS })
  outgoing.once('timeout', () => outgoing.destroy(new Error('The server fell silent.')))
  outgoing.end(body)
  return answerTo(outgoing)
}

/** The run that was asked for, on the node that did not take the question. Whoever asked goes away: that stops nothing. */
async function followed(job: Job, agent: Agent, posted: IncomingMessage): Promise<IncomingMessage> {
  if (job.runs === null) return posted
  posted.destroy()
  const outgoing = request(`${job.runs}/${posted.headers['x-resumable-stream-id']}/events`, { agent, headers: job.headers, timeout: ANSWER_MS })
  outgoing.once('timeout', () => outgoing.destroy(new Error('The node fell silent.')))
  outgoing.end()
  return answerTo(outgoing)
}

async function answerTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${(await text(response)).slice(0, 300)}`)
  return response
}

/** What `useChat` posts. */
function bodyOf(job: Job, history: string, lane: number): string {
  asked += 1
  const thread = job.threads[lane] ?? `bench-${process.pid}-${asked}`
  const question = { id: `q-${process.pid}-${asked}`, role: 'user', parts: [{ type: 'text', text: scriptText(job.script) }] }
  return `{"id":"${thread}","trigger":"submit-message","messages":[${history}${JSON.stringify(question)}]}`
}

function historyOf(messages: number): string {
  const all = Array.from({ length: messages }, (_, index) => {
    const role = index % 2 === 0 ? 'user' : 'assistant'
    return `${JSON.stringify({ id: `h-${index}`, role, parts: [{ type: 'text', text: historyText(index) }] })},`
  })
  return all.join('')
}

interface Held {
  readonly outcome: Promise<Outcome>
}
let held: Held | undefined
const OPENING_AT_ONCE = 16

/** Begins a job of one request a lane, a few at a time, and answers when each has its first token. */
async function open(job: Job): Promise<void> {
  const turns = Array.from({ length: job.requests }, () => Promise.withResolvers<void>())
  const all = Promise.withResolvers<void>()
  let begun = 0
  const beginNext = () => turns[begun++]?.resolve()
  let missing = job.requests
  const outcome = run(job, (lane) => turns[lane]?.promise ?? Promise.resolve(), () => {
    missing -= 1
    if (missing === 0) all.resolve()
    beginNext()
  })
  for (let count = 0; count < OPENING_AT_ONCE; count += 1) beginNext()
  held = { outcome }
  await all.promise
}

answerParent('ready', {
  run: (job: Job) => run(job, (lane) => (lane > 0 ? pause(lane * job.pauseMs) : Promise.resolve()), () => {}),
  open,
  opened: async () => held?.outcome,
})
