import type { Dialect } from './read-answer.ts'

export type Name = 'A' | 'B' | 'C' | 'D' | 'D200' | 'R' | 'F'

export interface Contender {
  readonly name: Name
  readonly says: string
  readonly file: string
  readonly dialect: Dialect
  /** True where threads and keys are Ambit's, and the history is what it has stored. */
  readonly ambit: boolean
  /** Of a long conversation, so many messages reach the model at least. */
  readonly tells: number
  /** True where the journal is in Redis. */
  readonly redis?: boolean
  /** True where another node drives the runs, and this one hands them to those who read. */
  readonly follows?: boolean
  /** Given to the process beside the upstream's address. */
  readonly options: Readonly<Record<string, unknown>>
}

/** Messages in a long conversation. */
export const LONG = 1_000

export const CONTENDERS: Readonly<Record<Name, Contender>> = {
  A: { name: 'A', says: 'bytes piped', file: 'servers/pipe-bytes.ts', dialect: 'completions', ambit: false, tells: LONG, options: {} },
  B: { name: 'B', says: 'by hand', file: 'servers/parse-and-write.ts', dialect: 'chunks', ambit: false, tells: LONG, options: {} },
  C: { name: 'C', says: '`streamText`', file: 'servers/stream-text.ts', dialect: 'chunks', ambit: false, tells: LONG, options: {} },
  D: { name: 'D', says: 'Ambit', file: 'servers/ambit.ts', dialect: 'chunks', ambit: true, tells: LONG, options: { historyMessages: 2 * LONG } },
  D200: { name: 'D200', says: 'Ambit, default limits', file: 'servers/ambit.ts', dialect: 'chunks', ambit: true, tells: 190, options: {} },
  R: { name: 'R', says: 'Ambit, Redis', file: 'servers/ambit.ts', dialect: 'chunks', ambit: true, tells: LONG, redis: true, options: { historyMessages: 2 * LONG } },
  F: { name: 'F', says: 'Ambit, following', file: 'servers/ambit.ts', dialect: 'chunks', ambit: true, tells: LONG, redis: true, follows: true, options: {} },
}
