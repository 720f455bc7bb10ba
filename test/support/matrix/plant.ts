import { createOrganisation, createProject, join } from '../../../src/lib/directory/create-place.ts'
import { deleteMembership, insertPerson, markProjectDeleted } from '../../../src/lib/store/directory-rows.ts'
import { putDocument } from '../../../src/lib/store/document-rows.ts'
import type { OperatorSql } from '../../../src/lib/store/handles.ts'
import { putSettings } from '../../../src/lib/store/settings-rows.ts'
import type { TestDatabase } from '../databases.ts'
import { must } from '../stage.ts'
import { newId } from '../world.ts'
import { makeKeys, revoke } from './callers.ts'
import type { Keys } from './callers.ts'
import type { Canaries } from './canaries.ts'
import { ALL_PLACES, DELETED_ORGANISATION, DELETED_PROJECT, ORGANISATIONS, PEOPLE, PROJECTS, isProject, orgOf, placesOf } from './facts.ts'
import type { Person, PlaceName } from './facts.ts'

export interface PlantedDocument {
  readonly place: PlaceName
  readonly id: string
}

/** The rows of the world: every text in them holds a canary. */
export interface PlantedPlaces {
  readonly keys: Keys
  readonly documents: readonly PlantedDocument[]
  idOf(place: PlaceName): string
}

/** Words that every document has, so that only the walls tell whose it is. */
export const EVERYWHERE = 'launch hotel price'

export async function plantPlaces(database: TestDatabase, canaries: Canaries): Promise<PlantedPlaces> {
  const ids = new Map<PlaceName, string>()
  const idOf = (place: PlaceName) => must(ids.get(place))
  const keys = await database.handles.operator(async (sql) => {
    for (const org of ORGANISATIONS) ids.set(org, await plantOrganisation(sql, org, canaries))
    for (const place of Object.keys(PROJECTS)) ids.set(place, await plantProject(sql, place, idOf(orgOf(place)), canaries))
    for (const place of ALL_PLACES) {
      const rule = isProject(place) ? ({ of: 'place', place } as const) : ({ of: 'organisation', org: place } as const)
      await putSettings(sql, { ...rowOf(place, idOf), aiEnabled: true, instructions: `Be kind. ${canaries.mint(place, rule)}` })
    }
    for (const person of Object.keys(PEOPLE) as Person[]) await plantPerson(sql, person, { idOf, canaries })
    return makeKeys(sql, idOf)
  })
  const documents = await plantDocuments(database, { idOf, canaries })
  return { keys, documents, idOf }
}

/** Takes away what was there while it worked: a project, an organisation, a membership, a key. */
export async function takeAway(database: TestDatabase, { idOf, keys }: PlantedPlaces): Promise<void> {
  await database.handles.operator(async (sql) => {
    await markProjectDeleted(sql, idOf('acme'), idOf(DELETED_PROJECT))
    await deleteMembership(sql, { orgId: idOf('acme'), projectId: '*', personId: 'rae' })
  })
  await database.superuser.transaction('', (sql) => sql.query('update ambit.organisations set deleted_at = now() where id = $1', [idOf(DELETED_ORGANISATION)]))
  await revoke(database, must(keys['revoked']))
}

/** The two columns by which rows are a place's. */
export function rowOf(place: PlaceName, idOf: (place: PlaceName) => string): { readonly orgId: string; readonly projectId: string } {
  return { orgId: idOf(orgOf(place)), projectId: isProject(place) ? idOf(place) : '*' }
}

async function plantOrganisation(sql: OperatorSql, org: string, canaries: Canaries): Promise<string> {
  const name = `The company ${canaries.mint(org, { of: 'organisation', org })}`
  const profile = `We make things. ${canaries.mint(org, { of: 'place', place: org })}`
  const made = await createOrganisation(sql, { slug: org, name, profile, owner: null }, newId)
  if (!made.ok) throw new Error(made.detail)
  canaries.watch(made.id, { of: 'organisation', org })
  return made.id
}

async function plantProject(sql: OperatorSql, place: PlaceName, orgId: string, canaries: Canaries): Promise<string> {
  const rule = { of: 'place', place } as const
  const texts = { name: `The project ${canaries.mint(place, rule)}`, about: canaries.mint(place, rule) }
  const visibility = must(PROJECTS[place])
  const made = await createProject(sql, { orgId, slug: must(place.split('/')[1]), ...texts, visibility }, newId)
  if (!made.ok) throw new Error(made.detail)
  canaries.watch(made.id, rule)
  return made.id
}

async function plantPerson(sql: OperatorSql, person: Person, { idOf, canaries }: { idOf: (place: string) => string; canaries: Canaries }): Promise<void> {
  // Rae asked as a member of acme while she was one.
  const places = person === 'rae' ? ['acme', 'acme/apollo', 'acme/orion'] : placesOf({ person, org: null })
  await insertPerson(sql, { id: person, name: canaries.mint(`person/${person}`, { of: 'name', person, places }) })
  const roles = person === 'rae' ? { acme: 'member' as const } : PEOPLE[person]
  for (const [place, role] of Object.entries(roles)) {
    await join(sql, { ...rowOf(place, idOf), role, person: { id: person, name: person } })
  }
}

async function plantDocuments(database: TestDatabase, { idOf, canaries }: { idOf: (place: string) => string; canaries: Canaries }): Promise<readonly PlantedDocument[]> {
  const documents: PlantedDocument[] = []
  for (const place of ALL_PLACES) {
    const { orgId, projectId } = rowOf(place, idOf)
    const rule = { of: 'place', place } as const
    for (const kind of ['plan', 'memo']) {
      const id = newId('doc')
      const [title, body] = [`The ${kind} ${canaries.mint(place, rule)}`, `${EVERYWHERE} of the ${kind}. ${canaries.mint(place, rule)}`]
      await database.handles.scoped({ orgId, projectIds: [projectId], userId: 'importer' }, (sql) =>
        putDocument(sql, { projectId, id, title, body, mediaType: 'text/markdown' }),
      )
      canaries.watch(id, rule)
      documents.push({ place, id })
    }
  }
  return documents
}
