import type { IncomingMessage } from 'node:http'
import { monotonicMicros, parseToken } from './script.ts'

/** What a server answers in: `chunks` is the AI SDK's UI message stream, `completions` the upstream's own bytes. */
export type Dialect = 'chunks' | 'completions'

export interface Answer {
  readonly deltas: number
  /** Microseconds from the writing of each token to its arrival. */
  readonly latencies: readonly number[]
}

export interface Expected {
  readonly dialect: Dialect
  readonly tokens: number
  readonly onFirst: () => void
}

/** What an event says, in either dialect. */
interface Said {
  readonly delta?: string | undefined
  readonly finished?: boolean | undefined
  readonly failed?: string | undefined
}

/** Reads an answer to its end. Rejects unless every token came, in order, and the answer ended as a whole one does. */
export async function readAnswer(response: IncomingMessage, { dialect, tokens, onFirst }: Expected): Promise<Answer> {
  const latencies: number[] = []
  let [rest, half] = ['', '']
  let [deltas, finishes] = [0, 0]
  let done = false

  const takeText = (delta: string, now: number): void => {
    const pieces = (half + delta).split(' ')
    half = pieces.pop() ?? ''
    for (const piece of pieces) {
      const { index, micros } = parseToken(piece)
      if (index !== latencies.length) throw new Error(`Token ${index} came where ${latencies.length} was due.`)
      if (index === 0) onFirst()
      latencies.push(now - micros)
    }
  }

  response.setEncoding('utf8')
  for await (const text of response as AsyncIterable<string>) {
    const now = monotonicMicros()
    const events = (rest + text).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      const data = dataOf(event)
      if (data === null) continue
      if (done) throw new Error(`An event came after the end: ${data.slice(0, 200)}`)
      if (data === '[DONE]') {
        done = true
        continue
      }
      const { delta, finished, failed } = SAYS[dialect](JSON.parse(data) as never)
      if (failed !== undefined) throw new Error(`The answer failed: ${failed}`)
      if (finished) finishes += 1
      if (delta === undefined || delta === '') continue
      deltas += 1
      takeText(delta, now)
    }
  }
  if (latencies.length !== tokens) throw new Error(`${latencies.length} of ${tokens} tokens came.`)
  if (!done || finishes !== 1) throw new Error('The answer did not end as a whole one does.')
  return { deltas, latencies }
}

/** Null for a comment. */
function dataOf(event: string): string | null {
  const at = event.startsWith('data: ') ? 0 : event.indexOf('\ndata: ') + 1
  return at === 0 && !event.startsWith('data: ') ? null : event.slice(at + 'data: '.length)
}

const SAYS: Readonly<Record<Dialect, (event: never) => Said>> = {
  chunks: (chunk: { type: string; delta?: string; finishReason?: string; errorText?: string }) => ({
    delta: chunk.type === 'text-delta' ? chunk.delta : undefined,
    finished: chunk.type === 'finish',
    failed: chunk.type === 'error' || chunk.type === 'abort' ? (chunk.errorText ?? chunk.type) : undefined,
  }),
  completions: ({ choices: [choice] }: { choices: readonly { delta: { content?: string }; finish_reason: string | null }[] }) => ({
    delta: choice?.delta.content,
    finished: choice?.finish_reason === 'stop',
  }),
}
