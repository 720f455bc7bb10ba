import { LONG } from './contenders.ts'
import type { Name } from './contenders.ts'
import type { Job, Outcome } from './load.ts'
import type { Script } from './script.ts'

/** What a row of the table shows. `postgres` and `redis` are the same figure for their CPU, where it has one. */
export interface Figure {
  readonly row: string
  of(measured: Measured): number
  postgres?(measured: Measured): number
  redis?(measured: Measured): number
}

export interface Measured {
  readonly outcome: Outcome
  readonly cpuMicros: number
  readonly postgresMicros: number
  readonly redisMicros: number
  /** Of all streams, while each was open. */
  readonly memory: { readonly rss: number; readonly heap: number }
}

export interface Load extends Pick<Job, 'requests' | 'atOnce' | 'pauseMs'> {
  readonly script: Script
  readonly history?: number
}

export interface Scenario {
  readonly name: string
  readonly contenders: readonly Name[]
  readonly warmUp: readonly Load[]
  readonly load: Load
  /** All streams are opened and held, and the server's memory is read; each time in a new process. */
  readonly held?: boolean
  readonly figures: readonly Figure[]
}

const EACH: readonly Name[] = ['A', 'B', 'C', 'D']

const perToken = ({ outcome }: Measured, micros: number) => micros / outcome.tokens
const perRequest = ({ outcome }: Measured, micros: number) => micros / 1000 / outcome.requests

function cpuPerToken(row: string): Figure {
  return figureOf(row, perToken)
}

function cpuPerRequest(row: string): Figure {
  return figureOf(row, perRequest)
}

function figureOf(row: string, per: typeof perToken): Figure {
  return {
    row,
    of: (measured) => per(measured, measured.cpuMicros),
    postgres: (measured) => per(measured, measured.postgresMicros),
    redis: (measured) => per(measured, measured.redisMicros),
  }
}

/** Everything that is measured; `scale` makes it smaller for a quick look. With Redis: Ambit once more, its journal there, and a node that follows another one. */
export function scenarios(scale: number, redis: boolean): readonly Scenario[] {
  const ALL: readonly Name[] = redis ? [...EACH, 'R'] : EACH
  const some = (count: number) => Math.max(2, Math.round(count * scale))
  const burst: Load = { script: { tokens: 500 }, requests: some(50), atOnce: some(50), pauseMs: 0 }
  const short: Load = { script: { tokens: 50 }, requests: some(200), atOnce: 4, pauseMs: 0 }
  const first: Load = { script: { tokens: 5 }, requests: some(50), atOnce: 1, pauseMs: 20 }
  const long: Load = { script: { tokens: some(50_000) }, requests: 1, atOnce: 1, pauseMs: 0 }
  const paced: Load = { script: { tokens: some(200), rate: 50 }, requests: 40, atOnce: 40, pauseMs: 0.5 }
  const held: Load = { script: { tokens: 3, hold: true }, requests: some(1000), atOnce: some(1000), pauseMs: 2 }
  const slow: Load = { script: { tokens: some(100), rate: 10 }, requests: 200, atOnce: 200, pauseMs: 20 }
  const history: Load = { script: { tokens: 50 }, requests: some(30), atOnce: 2, pauseMs: 0, history: LONG }
  return [
    { name: 'burst', contenders: ALL, warmUp: [burst, burst], load: burst, figures: [cpuPerToken('burst, 500-token answers: CPU µs per token')] },
    {
      name: 'paced',
      contenders: ALL,
      warmUp: [burst, { ...paced, script: { tokens: 50, rate: 50 } }],
      load: paced,
      figures: [
        cpuPerToken('paced, 40 streams × 50 tokens/s: CPU µs per token'),
        { row: 'paced: added latency p50, ms', of: ({ outcome }) => outcome.latencyMs.p50 },
        { row: 'paced: added latency p99, ms', of: ({ outcome }) => outcome.latencyMs.p99 },
      ],
    },
    { name: 'request', contenders: ALL, warmUp: [short], load: short, figures: [cpuPerRequest('50-token request: CPU ms')] },
    { name: 'first', contenders: ALL, warmUp: [first], load: first, figures: [{ row: 'time to first delta, idle: ms', of: ({ outcome }) => outcome.firstMs }] },
    {
      name: 'memory',
      contenders: ALL,
      warmUp: [{ ...burst, requests: some(100), atOnce: 10 }],
      load: held,
      held: true,
      figures: [
        { row: `${held.requests} open streams: KB of memory each`, of: ({ outcome, memory }) => memory.rss / 1024 / outcome.requests },
        { row: 'of it JavaScript heap and buffers, KB', of: ({ outcome, memory }) => memory.heap / 1024 / outcome.requests },
      ],
    },
    { name: 'long', contenders: ALL, warmUp: [burst, long], load: long, figures: [cpuPerToken(`one answer of ${long.script.tokens} tokens: CPU µs per token`)] },
    {
      name: 'history',
      contenders: [...ALL, 'D200'],
      warmUp: [history],
      load: history,
      figures: [cpuPerRequest('1,000 messages of history, 50 tokens: CPU ms per request')],
    },
    ...(redis ? [followed(slow, burst)] : []),
  ]
}

/** The same readers, served by the node that drives their runs and by one that hears of them through Redis. */
function followed(slow: Load, burst: Load): Scenario {
  return {
    name: 'follow',
    contenders: ['D', 'R', 'F'],
    warmUp: [burst, { ...slow, script: { tokens: 20, rate: 10 }, pauseMs: 5 }],
    load: slow,
    figures: [
      cpuPerToken('200 readers × 10 tokens/s: CPU µs per token'),
      { row: '200 readers: added latency p50, ms', of: ({ outcome }) => outcome.latencyMs.p50 },
      { row: '200 readers: added latency p99, ms', of: ({ outcome }) => outcome.latencyMs.p99 },
    ],
  }
}
