import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { COMPILE_CACHE } from '../support/compile-cache.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

type Environment = Readonly<Record<string, string>>

/** A command of the real executable, to its end. */
export async function ambit(words: readonly string[], environment: Environment): Promise<Finished> {
  const begun = begin(words, environment)
  await once(begun.child, 'close')
  return begun.finished()
}

/** A server of the real executable, once it has said where it runs. */
export interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly out: string
  /** Sends the signal, and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Finished>
}

export async function startAmbit(environment: Environment, words: readonly string[] = ['start']): Promise<Started> {
  const { child, finished } = begin(words, { AMBIT_PORT: '0', ...environment })
  const closed = once(child, 'close')
  const ended = () => child.exitCode !== null || child.signalCode !== null
  // What each start prints last: a hint, or how to stop it.
  while (!/(npx ambit .*|Ctrl-C stops it\.)\n$/.test(finished().out)) {
    if (ended()) throw new Error(`It did not start: ${finished().err}`)
    await Promise.race([closed, once(child.stdout ?? child, 'data')])
  }
  const { out } = finished()
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await closed
    return finished()
  }
  return { child, url: /http:\/\/[\d.]+:\d+/.exec(out)?.[0] ?? '', out, end }
}

export function begin(words: readonly string[], environment: Environment): { child: ChildProcess; finished(): Finished } {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, [MAIN, ...words], { env: { PATH, ...COMPILE_CACHE, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  const texts = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.err += text))
  return { child, finished: () => ({ code: child.exitCode, ...texts }) }
}

export function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'ambit-cli-'))
}

export function readJson<T>(...path: readonly string[]): T {
  return JSON.parse(readFileSync(join(...path), 'utf8')) as T
}
