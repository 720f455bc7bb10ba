import { z } from 'zod'
import type { Directory, Place } from '../directory/directory.ts'
import { opens } from '../directory/own-directory.ts'
import type { Principal } from '../directory/principal.ts'
import { listMemberships } from '../store/directory-rows.ts'
import type { Exchange, House } from './exchange.ts'
import type { Door } from './open-routes.ts'
import { documented } from './operation.ts'
import type { Answer, Operation } from './operation.ts'
import { problem } from './problem.ts'
import { json } from './respond.ts'

/** To choose from: who is in more finds the others by their address. */
const ORGANISATIONS = 50
const PROJECTS = 200

const role = z.enum(['owner', 'admin', 'member', 'viewer'])

export const meSchema = z
  .object({
    subject: z.string(),
    kind: z.enum(['person', 'service']),
    name: z.string().nullable().describe('As the credential says it.'),
    memberships: z.array(z.object({ org: z.string(), project: z.string().nullable(), role })),
    organisations: z
      .array(
        z.object({
          org: z.string(),
          name: z.string(),
          about: z.string(),
          role: role.nullable().describe('Null: in projects of it only.'),
          projects: z.array(z.object({ project: z.string(), name: z.string(), about: z.string() })),
          more: z.boolean().describe('Whether there are more projects than these.'),
        }),
      )
      .describe('What there is to choose from, by the names that addresses take. Empty where the host\'s directory does not list it.'),
    more_organisations: z.boolean(),
  })
  .register(documented, { id: 'Me' })

export type Me = z.output<typeof meSchema>

export const getMeOperation = {
  id: 'getMe',
  summary: 'Who this credential is, and where it is at home.',
  answers: { 200: meSchema },
  refuses: ['unauthenticated', 'unavailable'],
} satisfies Operation

/** `GET /v1/me`: who this credential is, and where it is at home. */
export async function getMe({ request, requestId, log }: Exchange, { open }: Door): Promise<Answer<typeof getMeOperation>> {
  const house = await open()
  if ('ok' in house) return problem(house, requestId)
  const who = await house.authenticate(request, log)
  if ('ok' in who) return problem(who, requestId)
  return json<Me>(await describeMe(who, house), requestId)
}

/** The same is told to whoever has just signed in. */
export async function describeMe(who: Principal, house: Pick<House, 'directory' | 'lookup'>): Promise<Me> {
  const places = (await house.directory.organisations?.(who, { limit: ORGANISATIONS + 1 })) ?? []
  const organisations: Me['organisations'] = []
  // One after the other: somebody who is in fifty must not take all connections.
  for (const place of places.slice(0, ORGANISATIONS)) organisations.push(await describeOrganisation(who, place, house.directory))
  return {
    subject: who.subject,
    kind: who.kind,
    name: nameOf(who),
    memberships: await membershipsOf(who, house),
    organisations: organisations.filter((one) => one.role !== null || one.projects.length > 0),
    more_organisations: places.length > ORGANISATIONS,
  }
}

/** What a person is called, where the credential says it. */
export function nameOf({ claims }: Principal): string | null {
  const name = claims?.['name']
  return typeof name === 'string' ? name : null
}

async function describeOrganisation(who: Principal, org: Place, directory: Directory): Promise<Me['organisations'][number]> {
  const access = await directory.access(who, { org: org.slug })
  const projects = await directory.projects(who, org.id, { limit: PROJECTS + 1 })
  return {
    org: org.slug,
    name: org.name,
    about: access ? (org.about ?? '') : '', // for its members: who is in a project only is not told
    role: access?.role ?? null,
    projects: projects.slice(0, PROJECTS).map(({ slug, name, about = '' }) => ({ project: slug, name, about })),
    more: projects.length > PROJECTS,
  }
}

/** In Ambit's own directory, of the organisation that the credential is for. */
async function membershipsOf(who: Principal, { lookup }: Pick<House, 'lookup'>): Promise<Me['memberships']> {
  const named = who.claims?.['org']
  const rows = typeof named === 'string' ? await lookup((sql) => listMemberships(sql, who.subject, named)) : []
  return rows
    .filter(({ org, project }) => opens(who, { org, ...(project !== null && { project }) }))
    .map(({ org, project, role: own }) => ({ org, project, role: own }))
}
