import { createHash } from 'node:crypto'
import { createOrganisation, createProject, join } from '../directory/create-place.ts'
import type { Declined } from '../directory/create-place.ts'
import type { NewId } from '../directory/new-id.ts'
import { createKey } from '../identity/api-key.ts'
import { findOrganisation, findPerson, listVisibleProjects } from '../store/directory-rows.ts'
import { putDocument } from '../store/document-rows.ts'
import type { Handles, OperatorSql } from '../store/handles.ts'
import { putSettings } from '../store/settings-rows.ts'
import { demoWorld, readDemoDocuments } from './demo-world.ts'
import type { DemoDocument, DemoOrganisation, DemoPerson, DemoRole } from './demo-world.ts'

/** Somebody of the demo, as `demo.json` tells it: enough to send a request in their name. */
export interface DemoCredential {
  readonly org: string
  readonly role: DemoRole | 'none'
  /** The slugs of the projects that this person can see. */
  readonly projects: readonly string[]
  readonly key: string
}

/** `*` is the organisation itself, as in every tenant table. */
const ORGANISATION = '*'
const MANY = 1_000

/** The ids of an organisation and its projects, by slug. */
interface Ids {
  readonly org: string
  readonly projects: ReadonlyMap<string, string>
}

/**
 * Fills an empty store with the demo world; answers false, and touches nothing, where there is an organisation of its
 * name. The documents go first, and what makes them visible is one transaction after them: a start that is cut off in
 * between is simply made again.
 */
export async function seedDemo(handles: Pick<Handles, 'scoped' | 'operator'>, newId: NewId): Promise<boolean> {
  const [first] = demoWorld.organisations
  if (!first || (await handles.operator((sql) => findOrganisation(sql, first.slug)))) return false
  const documents = await readDemoDocuments()
  const made = demoWorld.organisations.map((organisation) => ({ organisation, ids: mintIds(organisation, newId) }))
  for (const { organisation, ids } of made) {
    await writeDocuments(handles, ids, documents.filter(({ org }) => org === organisation.slug))
  }
  await handles.operator(async (sql) => {
    for (const { organisation, ids } of made) await writeOrganisation(sql, organisation, ids)
  })
  return true
}

/** A new key for each person of the demo. Keys are shown once: who has lost theirs gets others. */
export async function mintDemoKeys(
  { lookup, operator }: Pick<Handles, 'lookup' | 'operator'>,
  newId: NewId,
): Promise<Readonly<Record<string, DemoCredential>>> {
  const people: Record<string, DemoCredential> = {}
  for (const person of demoWorld.people) {
    const minted = await operator((sql) => mintKey(sql, person, newId))
    if (!minted) continue
    const projects = await lookup((sql) => listVisibleProjects(sql, person.id, minted.orgId, { limit: MANY }))
    people[person.id] = { org: person.org, role: person.role ?? 'none', projects: projects.map(({ slug }) => slug).sort(), key: minted.key }
  }
  return people
}

function mintIds(organisation: DemoOrganisation, newId: NewId): Ids {
  return { org: newId('org'), projects: new Map(organisation.projects.map(({ slug }) => [slug, newId('prj')])) }
}

async function writeDocuments({ scoped }: Pick<Handles, 'scoped'>, ids: Ids, documents: readonly DemoDocument[]): Promise<void> {
  const scope = { orgId: ids.org, projectIds: [ORGANISATION, ...ids.projects.values()], userId: 'demo' }
  await scoped(scope, async (sql) => {
    for (const { project, title, body } of documents) {
      const projectId = project === ORGANISATION ? ORGANISATION : idOf(ids, project)
      await putDocument(sql, { projectId, id: documentId(project, title), title, mediaType: 'text/markdown', body })
    }
  })
}

async function writeOrganisation(sql: OperatorSql, organisation: DemoOrganisation, ids: Ids): Promise<void> {
  const { slug, name, profile, instructions = '', projects } = organisation
  must(await createOrganisation(sql, { slug, name, profile, owner: null }, () => ids.org))
  await putSettings(sql, { orgId: ids.org, projectId: ORGANISATION, aiEnabled: true, instructions })
  for (const project of projects) {
    const projectId = idOf(ids, project.slug)
    must(await createProject(sql, { ...project, orgId: ids.org }, () => projectId))
    await putSettings(sql, { orgId: ids.org, projectId, aiEnabled: true, instructions: project.instructions ?? '' })
  }
  for (const person of demoWorld.people.filter(({ org }) => org === slug)) await writePerson(sql, person, ids)
}

async function writePerson(sql: OperatorSql, { id, name, role, projects = {} }: DemoPerson, ids: Ids): Promise<void> {
  const person = { id, name }
  if (role) await join(sql, { orgId: ids.org, projectId: ORGANISATION, role, person })
  for (const [slug, projectRole] of Object.entries(projects)) {
    await join(sql, { orgId: ids.org, projectId: idOf(ids, slug), role: projectRole, person })
  }
}

/** Null where the store has an `acme` of its own and not the demo's people. */
async function mintKey(sql: OperatorSql, { id, org }: DemoPerson, newId: NewId): Promise<{ orgId: string; key: string } | null> {
  const found = await findOrganisation(sql, org)
  if (!found || !(await findPerson(sql, id))) return null
  return { orgId: found.id, key: await createKey(sql, { orgId: found.id, personId: id, expiresInDays: null }, newId) }
}

/** The same at every seeding, so that tests and pages can name a document. */
function documentId(project: string, title: string): string {
  return `doc_${createHash('sha256').update(`${project}/${title}`).digest('hex').slice(0, 16)}`
}

function idOf(ids: Ids, slug: string): string {
  const id = ids.projects.get(slug)
  if (id === undefined) throw new Error(`The demo names a project "${slug}" that it does not make.`)
  return id
}

function must(result: { readonly ok: true } | Declined): void {
  if (!result.ok) throw new Error(`The demo world does not fit: ${result.detail}`)
}
