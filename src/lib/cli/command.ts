import { parseArgs } from 'node:util'
import type { Server } from 'node:http'
import type { NewId } from '../directory/new-id.ts'
import type { Settings, SettingsWanted } from './settings.ts'
import type { Terminal } from './terminal.ts'

/** Something that answers requests, and may ask from where the socket says they come. */
export interface Listening {
  fetch(request: Request, peer: { readonly address: string | undefined }): Promise<Response>
}

/** What the executable gives to a command. */
export interface Surroundings {
  readonly terminal: Terminal
  readonly version: string
  /** Throws a StartError where the environment makes no sense, so that `--help` does not. */
  settings(wanted?: SettingsWanted): Settings
  newId: NewId
  listen(app: Listening, at: { readonly host: string; readonly port: number }): Promise<Server>
}

/** 0: done. 1: refused or failed, and `err` says why. 2: the command line was wrong. 3: it looked, and somebody is needed. 130: interrupted. */
export type ExitCode = 0 | 1 | 2 | 3 | 130

export interface CommandOption {
  /** What stands for the value in the help; absent: a switch. */
  readonly value?: string
  readonly about: string
  readonly required?: true
}

export interface Command {
  /** The words that call it: `start`, `org create`. */
  readonly name: string
  readonly about: string
  /** The one argument besides options, where there is one. */
  readonly argument?: string
  readonly argumentOptional?: true
  readonly options: Readonly<Record<string, CommandOption>>
  run(given: Given, surroundings: Surroundings): Promise<ExitCode>
}

/** A command line that fits its command: what is required is there. */
export interface Given {
  /** '' where there is none. */
  readonly argument: string
  text(option: string): string | undefined
  has(option: string): boolean
}

/** The command line is not one that the command understands. The message says what is wrong, in one sentence. */
export type Parsed = { readonly ok: true; readonly given: Given } | { readonly ok: false; readonly detail: string }

export function parseCommandLine(command: Command, words: readonly string[]): Parsed {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' } as const]),
  )
  const read = readWords(words, options)
  if (!read.ok) return read
  const { values, positionals } = read
  const [argument = '', ...more] = positionals
  const extra = command.argument === undefined ? positionals[0] : more[0]
  if (extra !== undefined) return { ok: false, detail: `"${extra}" is one argument too many (a text with spaces needs quotes).` }
  if (command.argument !== undefined && !command.argumentOptional && argument.trim() === '') return { ok: false, detail: `<${command.argument}> is missing.` }
  for (const [name, { required, value }] of Object.entries(command.options)) {
    if (required && !values[name]) return { ok: false, detail: `--${name} <${value}> is missing.` }
  }
  const text = (option: string) => {
    const value = values[option]
    return typeof value === 'string' ? value : undefined
  }
  return { ok: true, given: { argument, text, has: (option) => values[option] === true } }
}

type Words =
  | { readonly ok: true; readonly values: Readonly<Record<string, string | boolean | undefined>>; readonly positionals: readonly string[] }
  | { readonly ok: false; readonly detail: string }

function readWords(words: readonly string[], options: Record<string, { type: 'string' | 'boolean' }>): Words {
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
    return { ok: true, values: values as Record<string, string | boolean | undefined>, positionals }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return { ok: false, detail: firstSentence(error.message) }
  }
}

/** Node explains at length how a positional argument could begin with a dash. */
function firstSentence(text: string): string {
  const [sentence = text] = text.split(/(?<=\.) |\n/)
  return sentence.endsWith('.') ? sentence : `${sentence}.`
}
