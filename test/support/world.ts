import { createKey } from '../../src/lib/identity/api-key.ts'
import { createOrganisation, createProject, join } from '../../src/lib/directory/create-place.ts'
import type { Role } from '../../src/lib/directory/directory.ts'
import type { Handles, RowScope } from '../../src/lib/store/handles.ts'
import { putSettings } from '../../src/lib/store/settings-rows.ts'
import { putDocument } from '../../src/lib/store/document-rows.ts'
import { randomUUID } from 'node:crypto'

/** People on both sides of every wall. Null: no member of the organisation. */
const PEOPLE = {
  ada: { org: 'acme', role: 'owner', projects: { zephyr: 'member' } },
  bob: { org: 'acme', role: 'member', projects: {} },
  carol: { org: 'acme', role: 'admin', projects: { zephyr: 'member' } },
  dave: { org: 'acme', role: 'viewer', projects: {} },
  erin: { org: 'acme', role: null, projects: { apollo: 'member' } },
  gus: { org: 'globex', role: 'owner', projects: {} },
  hana: { org: 'globex', role: 'member', projects: {} },
} as const satisfies Record<string, { org: string; role: Role | null; projects: Record<string, Role> }>

export type PersonName = keyof typeof PEOPLE

const PROJECTS = [
  { org: 'acme', slug: 'apollo', visibility: 'organisation' },
  { org: 'acme', slug: 'zephyr', visibility: 'private' },
  { org: 'globex', slug: 'apollo', visibility: 'organisation' },
] as const

/** Every text holds a canary of its place: `CNRY-<org>-<project>`. */
const DOCUMENTS = [
  { org: 'acme', project: '*', title: 'Travel policy', body: 'The hotel limit is 165 euros a night. CNRY-acme-org' },
  { org: 'acme', project: 'apollo', title: 'Launch plan', body: 'Apollo launches on 14 September. The launch lead is Bob. CNRY-acme-apollo' },
  { org: 'acme', project: 'zephyr', title: 'Acquisition memo', body: 'The price for Kestrel is 41.5 million. CNRY-acme-zephyr' },
  { org: 'globex', project: '*', title: 'Travel policy', body: 'The hotel limit is 210 dollars a night. CNRY-globex-org' },
  { org: 'globex', project: 'apollo', title: 'Launch plan', body: 'Apollo, the freezer, launches on 3 February. CNRY-globex-apollo' },
] as const

export interface World {
  /** An API key of each person. */
  readonly keys: Readonly<Record<PersonName, string>>
  /** `acme`, `acme/apollo`, … to the id. */
  readonly ids: Readonly<Record<string, string>>
  /** A scope over all of an organisation, as its documents are imported. */
  rows(org: string, userId?: string): RowScope
}

export const newId = (kind: string): string => `${kind}_${randomUUID().replaceAll('-', '')}`

/** Two organisations that must not see each other, each with a project called `apollo`. */
export async function plantWorld(handles: Handles): Promise<World> {
  const ids: Record<string, string> = {}
  const keys: Partial<Record<PersonName, string>> = {}
  await handles.operator(async (sql) => {
    for (const slug of ['acme', 'globex']) {
      const made = await createOrganisation(sql, { slug, name: `The ${slug} company`, profile: `We are ${slug}.`, owner: null }, newId)
      if (!made.ok) throw new Error(made.detail)
      ids[slug] = made.id
    }
    for (const { org, slug, visibility } of PROJECTS) {
      const made = await createProject(sql, { orgId: idOf(ids, org), slug, name: `${slug} of ${org}`, about: '', visibility }, newId)
      if (!made.ok) throw new Error(made.detail)
      ids[`${org}/${slug}`] = made.id
    }
    for (const { org, project } of DOCUMENTS) {
      const projectId = project === '*' ? '*' : idOf(ids, `${org}/${project}`)
      await putSettings(sql, { orgId: idOf(ids, org), projectId, aiEnabled: true, instructions: `Be kind. CNRY-${org}-${project === '*' ? 'org' : project}` })
    }
    for (const [name, { org, role, projects }] of Object.entries(PEOPLE)) {
      const person = { id: name, name }
      const orgId = idOf(ids, org)
      if (role) await join(sql, { orgId, projectId: '*', role, person })
      for (const [slug, projectRole] of Object.entries(projects)) {
        await join(sql, { orgId, projectId: idOf(ids, `${org}/${slug}`), role: projectRole, person })
      }
      keys[name as PersonName] = await createKey(sql, { orgId, personId: name, expiresInDays: null }, newId)
    }
  })
  const rows = (org: string, userId = 'importer'): RowScope => ({
    orgId: idOf(ids, org),
    projectIds: ['*', ...PROJECTS.filter((one) => one.org === org).map((one) => idOf(ids, `${org}/${one.slug}`))],
    userId,
  })
  for (const { org, project, title, body } of DOCUMENTS) {
    const projectId = project === '*' ? '*' : idOf(ids, `${org}/${project}`)
    await handles.scoped(rows(org), (sql) => putDocument(sql, { projectId, id: newId('doc'), title, body, mediaType: 'text/markdown' }))
  }
  return { ids, keys: keys as Record<PersonName, string>, rows }
}

function idOf(ids: Readonly<Record<string, string>>, name: string): string {
  const id = ids[name]
  if (id === undefined) throw new Error(`The test world has no ${name}.`)
  return id
}
