import type { Ambit } from '../../../src/index.ts'
import type { Answer } from '../exchange.ts'
import { readUntil } from '../stage.ts'
import type { Canaries } from './canaries.ts'
import type { Caller, PlaceName } from './facts.ts'
import { onTape } from './recorder.ts'

/** One request of the matrix, and what must come of it. */
export interface Cell {
  /** Which part of the matrix it is of. */
  readonly part: string
  readonly caller: Caller
  readonly method: string
  /** As it is sent: encoded, or not as it should be. */
  readonly path: string
  readonly body?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The place that the address names, whether or not it is the caller's. */
  readonly at: PlaceName | null
  readonly status: number
  /** Its stream goes on until the matrix ends. */
  readonly live?: boolean
  /** Cells of one name get the same answer, byte for byte. */
  readonly sameAnswer?: string | undefined
  /** Cells of one name run the same statements. */
  readonly sameStatements?: string | undefined
}

export interface Outcome {
  readonly cell: Cell
  readonly answer: Answer
  /** Of each transaction. In no order: two may be under way at a time. */
  readonly statements: readonly string[]
  readonly prompts: readonly string[]
  /** Canaries that this caller may not see, and where they stood. */
  readonly sightings: readonly string[]
}

export interface Performing {
  readonly ambit: Pick<Ambit, 'fetch'>
  readonly canaries: Canaries
}

const AT_A_TIME = 8

/** Eight at a time, so that they cross each other's way. The answers are in the order of the cells. */
export async function performAll(performing: Performing, cells: readonly Cell[], atATime: number = AT_A_TIME): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  const waiting = cells.entries()
  const worker = async () => {
    for (const [index, cell] of waiting) outcomes[index] = await perform(performing, cell)
  }
  await Promise.all(Array.from({ length: atATime }, worker))
  return outcomes
}

async function perform({ ambit, canaries }: Performing, cell: Cell): Promise<Outcome> {
  const { caller, at, method, path, body = '', headers = {} } = cell
  const { result: answer, tape } = await onTape(async () => answerOf(await ambit.fetch(requestOf(cell)), cell.live === true))
  // Served, the thing has the name that it was given, and its author reads it again.
  if (method === 'POST' && answer.status === 200 && caller.person !== null) canaries.told(caller.person, body)
  // Who they are, and where they are at home.
  const about = path === '/v1/me' ? 'everywhere' : at
  const sight = { caller, at, brought: `${decoded(path)} ${body} ${JSON.stringify(headers)}` }
  const heard = canaries.sightings(`${answer.body} ${JSON.stringify(answer.headers)}`, { ...sight, at: answer.status < 300 || answer.status === 409 ? about : null })
  const told = tape.prompts.flatMap((prompt) => canaries.sightings(prompt, sight))
  return {
    cell, answer, statements: tape.transactions.map((one) => one.join('; ')).sort(), prompts: tape.prompts,
    sightings: [...heard.map((token) => `${token} in the answer`), ...told.map((token) => `${token} in a prompt`)],
  }
}

/** The same on all requests: an answer repeats it, so equal answers are equal bytes. */
const REQUEST_ID = 'req-of-the-matrix'

function requestOf({ caller, method, path, body, headers }: Cell): Request {
  return new Request(`http://ambit.test${path}`, {
    method,
    headers: {
      'x-request-id': REQUEST_ID,
      ...(caller.authorization !== null && { authorization: caller.authorization }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  })
}

async function answerOf(response: Response, live: boolean): Promise<Answer> {
  const { status } = response
  const headers = Object.fromEntries(response.headers)
  if (!live || status !== 200 || !response.body) return { status, headers, body: await response.text() }
  const reader = response.body.getReader()
  const body = await readUntil(reader, response.headers.has('x-resumable-stream-id') ? 'I was told' : ': \n\n')
  await reader.cancel()
  return { status, headers, body }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path // what is no UTF-8 brings no name
  }
}
