import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Pinning } from './pin.ts'

/** A process of the benchmark that answers questions. */
export interface Child<Ready = unknown> {
  /** What it said when it was ready. */
  readonly ready: Ready
  ask<T>(question: string, argument?: unknown): Promise<T>
  /** Tells it to end, and waits until it has. */
  end(): Promise<void>
}

interface Reply {
  readonly id: number
  readonly answer?: unknown
  readonly failure?: string
}

interface Waiting {
  resolve(answer: unknown): void
  reject(error: Error): void
}

const START = 0
const END_MS = 10_000

/** Starts `bench/<file>` with this argument. Its standard output goes nowhere: Ambit's log is written, and kept by nobody. */
export async function startChild<Ready>(file: string, argument: unknown, prefix: Pinning['server'] = []): Promise<Child<Ready>> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const [command = '', ...rest] = [...prefix, process.execPath, '--expose-gc', path, JSON.stringify(argument)]
  const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const waiting = new Map<number, Waiting>()
  let asked = START
  let gone: Error | undefined
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      gone = new Error(`${file} ended (${signal ?? code}).`)
      for (const { reject } of waiting.values()) reject(gone)
      resolve()
    })
  })
  child.on('message', ({ id, answer, failure }: Reply) => {
    const one = waiting.get(id)
    waiting.delete(id)
    if (failure === undefined) one?.resolve(answer)
    else one?.reject(new Error(`${file}: ${failure}`))
  })
  const answerTo = <T>(id: number): Promise<T> =>
    new Promise((resolve, reject) => {
      waiting.set(id, { resolve: (answer) => resolve(answer as T), reject })
      if (gone) reject(gone)
    })
  const ask = <T>(question: string, given?: unknown): Promise<T> => {
    const id = (asked += 1)
    const answer = answerTo<T>(id)
    if (!gone) child.send({ id, question, argument: given })
    return answer
  }
  const ready = await answerTo<Ready>(START)
  return {
    ready,
    ask,
    async end() {
      if (gone) return
      const late = setTimeout(() => child.kill('SIGKILL'), END_MS)
      ask('end').catch(() => {}) // one that ends before its answer arrives has ended, too
      await exited
      clearTimeout(late)
    },
  }
}
