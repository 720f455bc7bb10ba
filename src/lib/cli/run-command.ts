import { chat } from './chat.ts'
import { parseCommandLine } from './command.ts'
import type { Command, ExitCode, Surroundings } from './command.ts'
import { demo } from './demo.ts'
import { doctor } from './doctor.ts'
import { explainError } from './explain-error.ts'
import { expose } from './expose.ts'
import { migrateDatabase } from './migrate-database.ts'
import { runsCommand, whyCommand } from './on-call-commands.ts'
import { createKeyCommand, createOrgCommand, revokeKeyCommand } from './operator-commands.ts'
import { start } from './start.ts'
import { usageOf, usageOfAll } from './usage.ts'
import { worker } from './worker.ts'

const COMMANDS: readonly Command[] = [start, worker, demo, chat, createOrgCommand, createKeyCommand, revokeKeyCommand, runsCommand, whyCommand, migrateDatabase, doctor, expose]

/** One command line, from its words to its exit code. The one error boundary of the command line is here. */
export async function runCommand(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { terminal, version } = surroundings
  if (words[0] === '--help' || words[0] === '-h' || words[0] === 'help') return say(terminal.out, usageOfAll(COMMANDS), 0)
  if (words[0] === '--version') return say(terminal.out, `${version}\n`, 0)

  const command = findCommand(words)
  if (!command) return say(terminal.err, `There is no ${words[0]?.startsWith('-') ? 'option' : 'command'} "${namedBy(words)}". Try "ambit --help".\n`, 2)
  const rest = words.slice(command.name.split(' ').length)
  if (asksForHelp(rest)) return say(terminal.out, usageOf(command), 0)
  const parsed = parseCommandLine(command, rest)
  if (!parsed.ok) return say(terminal.err, `${parsed.detail} Try "ambit ${command.name} --help".\n`, 2)

  try {
    return await command.run(parsed.given, surroundings)
  } catch (error) {
    const explained = explainError(error)
    if (explained === null) throw error
    return say(terminal.err, `${explained}\n`, 1)
  }
}

/** No words at all are `start`. */
function findCommand(words: readonly string[]): Command | undefined {
  if (words.length === 0) return start
  return COMMANDS.find(({ name }) => name === words.slice(0, name.split(' ').length).join(' '))
}

/** The words that were meant as a command: `org delete`, and not the options behind it. */
function namedBy(words: readonly string[]): string {
  const [first = '', second = ''] = words
  const known = COMMANDS.some(({ name }) => name.startsWith(`${first} `))
  return known && second !== '' && !second.startsWith('-') ? `${first} ${second}` : first
}

/** Not behind `--`, where a word is a word. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  const options = end < 0 ? words : words.slice(0, end)
  return options.includes('--help') || options.includes('-h')
}

function say(write: (text: string) => void, text: string, code: ExitCode): ExitCode {
  write(text)
  return code
}
