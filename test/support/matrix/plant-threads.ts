import type { Ambit } from '../../../src/index.ts'
import { exchange } from '../exchange.ts'
import { must, readRest, readUntil } from '../stage.ts'
import type { Keys } from './callers.ts'
import type { Canaries } from './canaries.ts'
import { CALL, HOLD } from './echo-model.ts'
import { isProject, orgOf, scopeOf } from './facts.ts'
import type { Person, PlaceName, PlantedThread } from './facts.ts'
import { EVERYWHERE } from './plant.ts'

type Wanted = Pick<PlantedThread, 'place' | 'author' | 'shared' | 'live'>

const each = (author: Person, ...places: readonly PlaceName[]): readonly Wanted[] =>
  places.flatMap((place) => [true, false].map((shared) => ({ place, author, shared, live: false })))

/** Written while their place, or their author's membership, was still there. */
export const BEFORE: readonly Wanted[] = [...each('bob', 'acme/gone'), ...each('rae', 'acme/apollo'), ...each('ivan', 'umbra', 'umbra/apollo')]

/**
 * Shared ones first: what the model was told of its author's private threads while a thread was private itself, it may have
 * repeated there, and whoever shares that thread shares it.
 */
export const AFTER: readonly Wanted[] = [
  ...each('bob', 'acme', 'acme/apollo'),
  ...each('ada', 'acme', 'acme/zephyr'),
  ...each('erin', 'acme/apollo'),
  ...each('both', 'acme/apollo', 'globex/apollo'),
  ...each('carol', 'acme/orion'),
  ...each('zoe', 'acme/zephyr'),
  ...each('gus', 'globex', 'globex/zephyr'),
  ...each('hana', 'globex/apollo'),
  ...[
    ['bob', 'acme', true], ['ada', 'acme', true], ['bob', 'acme/apollo', true], ['bob', 'acme/apollo', false],
    ['zoe', 'acme/zephyr', true], ['gus', 'globex', true], ['hana', 'globex/apollo', true],
  ].map(([author, place, shared]) => ({ author, place, shared, live: true }) as Wanted),
].sort((a, b) => Number(b.shared) - Number(a.shared))

export function addressOf(place: PlaceName): string {
  const [org, project] = place.split('/')
  return `/v1/orgs/${org}${project === undefined ? '' : `/projects/${project}`}`
}

export interface Planting {
  readonly ambit: Ambit
  readonly keys: Keys
  readonly canaries: Canaries
}

/** Threads as people make them: by asking, with ids of their own, a tool that finds something and an answer that tells all. */
export async function plantThreads(planting: Planting, wanted: readonly Wanted[]): Promise<readonly PlantedThread[]> {
  const threads: PlantedThread[] = []
  for (const one of wanted) threads.push(await plantThread(planting, one))
  return threads
}

async function plantThread({ ambit, keys, canaries }: Planting, wanted: Wanted): Promise<PlantedThread> {
  const { place, author, shared, live } = wanted
  const as = (path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST', headers = {}) =>
    exchange(ambit, { method, path: addressOf(place) + path, authorization: `Bearer ${must(keys[`${author}@${orgOf(place)}`])}`, body, headers })
  const whose = `${orgOf(place)}/${author}`
  const own = { of: 'person', person: author, place } as const
  const [alias, clientId, key] = [canaries.mint(whose, own), canaries.mint(whose, own), canaries.mint(whose, own)]
  const text = `About ${canaries.mint(whose, { of: 'thread', thread: wanted })}\n${live ? HOLD : `${CALL}[["search_documents", {"query": "${EVERYWHERE}"}]]`}`
  // What a file says is told as what its author says: nothing of another place.
  const { id: file } = (await mustMake(await as('/files', { text: `Of ${canaries.mint(whose, { of: 'thread', thread: wanted })}` }))) as { id: string }
  const attached = { type: 'file', mediaType: 'application/json', url: `ambit-file:${file}` }
  const response = await as('/chat', { id: alias, message: { id: clientId, role: 'user', parts: [attached, { type: 'text', text }] } }, 'POST', { 'idempotency-key': key })
  const run = must(response.headers.get('x-resumable-stream-id'))
  const stream = must(response.body).getReader()
  const seen = await readUntil(stream, 'I was told')
  await (live ? stream.cancel() : readRest(stream))
  if (!seen.includes('CNRY')) throw new Error(`The model was told nothing at ${place}.`)
  const { id } = (await mustServe(await as(`/threads/${alias}`))) as { id: string }
  if (shared) await mustServe(await as(`/threads/${alias}`, { shared: true }, 'PATCH'))
  const { user_message_id: question, message_id: answer } = (await mustServe(await as(`/runs/${run}`))) as { user_message_id: string; message_id: string }
  for (const one of [id, run, file, question, answer]) canaries.watch(one, { of: 'thread', thread: wanted })
  const reads = isProject(place) ? [place] : scopeOf({ person: author, org: null }, place)
  return { ...wanted, id, alias, key, run, file, question, answer, reads }
}

async function mustMake(response: Response): Promise<unknown> {
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`)
  return response.json()
}

async function mustServe(response: Response): Promise<unknown> {
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  return response.json()
}
