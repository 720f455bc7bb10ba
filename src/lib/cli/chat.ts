import { z } from 'zod'
import { createAmbit } from '../create-ambit.ts'
import { apiKeys } from '../identity/authenticate.ts'
import { createLog } from '../observe/log.ts'
import type { Command, ExitCode, Given, Surroundings } from './command.ts'
import { demoPath, readDemo } from './demo-file.ts'
import { modelsOf } from './models-of.ts'
import { openDemo } from './open-embedded.ts'
import { printAnswer } from './print-answer.ts'
import { CutAnswer, readChunks } from './read-chunks.ts'
import { findServer } from './server-file.ts'
import { badSetting } from './settings.ts'
import type { Settings } from './settings.ts'
import { awaitInterruption } from './signals.ts'
import { dim } from './terminal.ts'

export const chat: Command = {
  name: 'chat',
  about: 'Ask a question in an organisation or a project, and see the answer stream.',
  argument: 'question',
  options: {
    org: { value: 'slug', about: 'the organisation', required: true },
    project: { value: 'slug', about: 'the project; absent: the organisation itself' },
    as: { value: 'person', about: 'somebody of the demo (ada, bob, …); absent: AMBIT_API_KEY says who' },
    thread: { value: 'id', about: 'the conversation to go on with; absent: a new one' },
  },
  async run(given, surroundings) {
    const settings = surroundings.settings()
    const house = await findHouse(settings, surroundings)
    try {
      return await ask(given, await keyOf(given, settings), house, surroundings)
    } finally {
      await house.close()
    }
  },
}

/** An Ambit to ask: a server, or one in this process that is there for this question. */
interface House {
  readonly url: string
  fetch(request: Request): Promise<Response>
  close(): Promise<void>
}

async function findHouse(settings: Settings, { terminal, newId }: Surroundings): Promise<House> {
  const url = settings.url ?? (await findServer(settings.directory))?.url
  if (url !== undefined) return { url, fetch: (request) => fetch(request), close: async () => {} }
  if (settings.databaseUrl !== null) throw badSetting('No server is known here: set AMBIT_URL to the one that runs on this database.')
  const models = modelsOf(settings)
  const { database, demo } = await openDemo(settings, terminal, newId)
  const log = createLog({ level: settings.logLevel ?? 'warn', destination: terminal.logs })
  const ambit = createAmbit({ store: { open: async () => database }, ...models, authenticate: apiKeys(), limits: settings.limits, log })
  return { url: demo.url, fetch: ambit.fetch, close: () => ambit.close() }
}

async function keyOf(given: Given, { directory, apiKey }: Settings): Promise<string> {
  const person = given.text('as')
  if (person === undefined) {
    if (apiKey !== null) return apiKey
    throw badSetting('Who asks? Name somebody of the demo with --as, or set AMBIT_API_KEY.')
  }
  const people = (await readDemo(directory))?.people ?? {}
  const found = Object.hasOwn(people, person) ? people[person] : undefined
  if (found) return found.key
  const known = Object.keys(people).join(', ') || 'nobody'
  throw badSetting(`There is no key for "${person}" in ${demoPath(directory)}, which knows ${known}.`)
}

/** Asks, and prints what comes. An interruption stops the run at the server, and waits for the end that it then has. */
async function ask(given: Given, key: string, house: House, { terminal }: Surroundings): Promise<ExitCode> {
  const address = `${house.url}${chatPath(given)}`
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const interruption = awaitInterruption()
  let thread: string | null = null
  const stop = async () => {
    if (thread === null) return // asked for again as soon as it is known
    await house.fetch(new Request(`${address}/${thread}/stop`, { method: 'POST', headers, body: '{}' }))
  }
  // A stop that is lost changes nothing for the reader: the answer goes on, and a second Ctrl-C leaves it.
  const stopOnce = () => void stop().catch(() => {})
  interruption.signal.addEventListener('abort', stopOnce)
  try {
    const response = await house.fetch(new Request(address, { method: 'POST', headers, body: bodyOf(given) }))
    if (!response.ok || !response.body) return await printRefusal(response, terminal.err)
    const code = await printAnswer(readChunks(response.body), terminal, (id) => {
      thread = id
      if (interruption.signal.aborted) stopOnce()
    })
    if (thread !== null) terminal.err(`${dim(terminal, `thread ${thread} (go on with --thread)`)}\n`)
    return interruption.signal.aborted ? 130 : code
  } catch (error) {
    if (!isBrokenConnection(error)) throw error
    terminal.err(`The connection to ${house.url} failed: check that the server runs there, and ask again.\n`)
    return 1
  } finally {
    interruption.signal.removeEventListener('abort', stopOnce)
    interruption.ignore()
  }
}

/** What `fetch` throws for a network is a TypeError with a cause; one without is a fault of ours. */
function isBrokenConnection(error: unknown): boolean {
  return error instanceof CutAnswer || (error instanceof TypeError && error.cause !== undefined)
}

function chatPath(given: Given): string {
  const project = given.text('project')
  const org = `/v1/orgs/${encodeURIComponent(given.text('org') ?? '')}`
  return `${org}${project === undefined ? '' : `/projects/${encodeURIComponent(project)}`}/chat`
}

function bodyOf(given: Given): string {
  const id = given.text('thread')
  return JSON.stringify({ ...(id !== undefined && { id }), message: { role: 'user', parts: [{ type: 'text', text: given.argument }] } })
}

async function printRefusal(response: Response, write: (text: string) => void): Promise<ExitCode> {
  const body: unknown = await response.json().catch(() => null)
  write(`${problem.safeParse(body).data?.detail ?? `The server answered ${response.status}.`}\n`)
  return 1
}

const problem = z.object({ detail: z.string() })
