import type { Chunk } from '../../../src/lib/wire/chunk.ts'
import { must } from '../stage.ts'
import type { WantedCall } from './echo-model.ts'
import { isProject, roleAt, scopeOf } from './facts.ts'
import type { Caller, PlaceName } from './facts.ts'
import type { PlantedDocument } from './plant.ts'
import { EVERYWHERE } from './plant.ts'

/** A call that a model was made to write, and what it may come to. */
export interface HostileCall {
  readonly call: WantedCall
  /** `found`: what is read is the scope's own. `unseen`: one answer for all. `own`: anything that is the scope's. `refused`: an error. */
  readonly comes: 'found' | 'unseen' | 'own' | 'refused'
}

const NEVER = 'doc_0123456789abcdef0123456789abcdef'

/** Every document of the world, ids that are none, and arguments that name tenants, people and SQL. */
export function hostileCalls(caller: Caller, at: PlaceName, { documents, idOf }: { documents: readonly PlantedDocument[]; idOf(place: PlaceName): string }): readonly HostileCall[] {
  const scope = scopeOf(caller, at)
  const naming = { org: 'globex', org_id: idOf('globex'), orgId: idOf('globex'), project: 'zephyr', project_id: idOf('acme/zephyr'), projectIds: ['*'], user_id: 'ada', scope: '*', role: 'owner' }
  const own = must(documents.find(({ place }) => place === at)).id
  const read = (id: unknown, comes: HostileCall['comes'], others: object = {}): HostileCall => ({ call: ['read_document', { id, ...others }], comes })
  return [
    ...documents.map(({ place, id }) => read(id, scope.includes(place) ? 'found' : 'unseen')),
    ...documents.filter(({ place }) => !scope.includes(place)).map(({ id }) => read(id, 'unseen', naming)),
    read(NEVER, 'unseen'),
    ...[idOf('globex'), idOf('acme/zephyr'), 'globex', '..', `${own}.`, own.toUpperCase(), '__proto__'].map((id) => read(id, 'unseen')),
    ...['', `../${own}`, `${own}' or true--`, '*', '%2a', `${own}\u0000`, 'x'.repeat(129), null, 5, true, [own], { id: own }, { $ne: null }].map((id) => read(id, 'refused')),
    read(own, 'found', naming),
    ...[{ query: EVERYWHERE }, { query: EVERYWHERE, limit: 20, ...naming }, { query: 'globex zephyr umbra CNRY' }, { query: "' or true--" }].map((input): HostileCall => ({ call: ['search_documents', input], comes: 'own' })),
    ...[{ query: EVERYWHERE, limit: 1_000 }, { query: ['a'] }, { query: null }, {}].map((input): HostileCall => ({ call: ['search_documents', input], comes: 'refused' })),
    { call: ['list_projects', naming], comes: isProject(at) || roleAt(caller, at) === null ? 'refused' : 'own' },
    ...['read_documents', 'Read_document', 'read_document ', 're\u0430d_document', 'list_organisations', 'sql', 'constructor'].map((name): HostileCall => ({ call: [name, { id: own, ...naming }], comes: 'refused' })),
  ]
}

/** What each call came to, in the order in which it was written: the output or the error, as text. */
export function outcomesOf(chunks: readonly Chunk[]): readonly { readonly ok: boolean; readonly text: string }[] {
  const outputs = new Map<string, { ok: boolean; text: string }>()
  const order: string[] = []
  for (const chunk of chunks) {
    if (chunk.type === 'tool-input-available' || chunk.type === 'tool-input-error') order.push(chunk.toolCallId)
    if (chunk.type === 'tool-input-error' || chunk.type === 'tool-output-error') outputs.set(chunk.toolCallId, { ok: false, text: chunk.errorText })
    if (chunk.type === 'tool-output-available') outputs.set(chunk.toolCallId, { ok: true, text: JSON.stringify(chunk.output) })
  }
  return order.map((id) => must(outputs.get(id)))
}
