import { z } from 'zod'
import { createOrganisation, join } from '../directory/create-place.ts'
import type { Declined } from '../directory/create-place.ts'
import type { NewId } from '../directory/new-id.ts'
import { isId } from '../directory/principal.ts'
import { createKey } from '../identity/api-key.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal, RefusalCode } from '../scope/refusal.ts'
import { findOrganisation, listMemberships } from '../store/directory-rows.ts'
import type { Handles, OperatorSql } from '../store/handles.ts'
import { revokeKey } from '../store/key-rows.ts'
import { STORY, UNENDED, lookAtRuns, storyWanted, tellStory, unendedWanted } from './on-call-work.ts'
import type { Story, Unended } from './on-call-work.ts'
import type { OperatorTask } from './operator-task.ts'

/** What operator work leaves behind. The key is shown here and never again. */
const keyMade = z.object({ ok: z.literal(true), org: z.string(), person: z.string(), role: z.string(), key: z.string() })
export type KeyMade = z.infer<typeof keyMade>

const keyRevoked = z.object({ ok: z.literal(true), org: z.string(), person: z.string() })
export type KeyRevoked = z.infer<typeof keyRevoked>

export const MAKE_ORGANISATION: OperatorTask<KeyMade> = { name: 'organisations', answer: keyMade }
export const MAKE_KEY: OperatorTask<KeyMade> = { name: 'keys', answer: keyMade }
export const REVOKE_KEY: OperatorTask<KeyRevoked> = { name: 'revocations', answer: keyRevoked }

type Done = KeyMade | KeyRevoked | Unended | Story

const id = z.string().refine(isId, 'must be 1 to 128 of A-Z a-z 0-9 _ . : -')
const name = z.string().min(1).max(200)

const organisationWanted = z.object({
  slug: z.string(),
  name,
  profile: z.string().max(10_000),
  owner: z.object({ id, name }),
})
export type OrganisationWanted = z.infer<typeof organisationWanted>

const keyWanted = z.object({
  org: z.string(),
  person: z.object({ id, name }),
  /** Null: the person must be a member already. */
  role: z.enum(['owner', 'admin', 'member', 'viewer'], 'must be owner, admin, member or viewer').nullable(),
  expiresInDays: z.int('must be a whole number of days').min(1).max(36_500).nullable(),
})
export type KeyWanted = z.infer<typeof keyWanted>

/** What is public of a key: the secret behind it is not needed, and so not sent. */
const revocationWanted = z.object({ prefix: z.string() })
export type RevocationWanted = z.infer<typeof revocationWanted>

/** Who works, and where. */
export interface OperatorPlace {
  readonly handles: Pick<Handles, 'operator'>
  readonly newId: NewId
  /** Whether runs may be driven while this is looked at: not where this process opened an embedded database for itself. */
  readonly served: boolean
}

/** Each piece is one transaction; null where there is no work of that name. */
export function operatorWork({ handles: { operator }, newId, served }: OperatorPlace) {
  return async (work: string, body: unknown): Promise<Done | Refusal | null> => {
    if (work === MAKE_ORGANISATION.name) return checked(organisationWanted, body, (wanted) => operator((sql) => makeOrganisation(sql, wanted, newId)))
    if (work === MAKE_KEY.name) return checked(keyWanted, body, (wanted) => operator((sql) => makeKey(sql, wanted, newId)))
    if (work === REVOKE_KEY.name) return checked(revocationWanted, body, ({ prefix }) => operator((sql) => takeBack(sql, prefix)))
    if (work === UNENDED.name) return checked(unendedWanted, body, (wanted) => operator((sql) => lookAtRuns(sql, wanted, served)))
    if (work === STORY.name) return checked(storyWanted, body, (wanted) => operator((sql) => tellStory(sql, wanted, served)))
    return null
  }
}

async function checked<T>(shape: z.ZodType<T>, body: unknown, work: (wanted: T) => Promise<Done | Refusal>): Promise<Done | Refusal> {
  const parsed = shape.safeParse(body)
  if (parsed.success) return work(parsed.data)
  const [issue] = parsed.error.issues
  return refuse('malformed', `${issue?.path.join('.') || 'The request'}: ${issue?.message ?? 'is not as expected'}.`)
}

async function makeOrganisation(sql: OperatorSql, { slug, name: title, profile, owner }: OrganisationWanted, newId: NewId): Promise<KeyMade | Refusal> {
  const made = await createOrganisation(sql, { slug, name: title, profile, owner }, newId)
  if (!made.ok) return refusalOf(made)
  const key = await createKey(sql, { orgId: made.id, personId: owner.id, expiresInDays: null }, newId)
  return { ok: true, org: slug, person: owner.id, role: 'owner', key }
}

async function makeKey(sql: OperatorSql, { org, person, role, expiresInDays }: KeyWanted, newId: NewId): Promise<KeyMade | Refusal> {
  const found = await findOrganisation(sql, org)
  if (!found) return refuse('not_found', `There is no organisation "${org}". Make it with: ambit org create ${org} --owner <person>`)
  const memberships = await listMemberships(sql, person.id, org)
  const own = memberships.find(({ project }) => project === null)
  // A second command for a key must not be able to change, in passing, what somebody may do.
  if (role && own && own.role !== role) return refuse('conflict', `${person.id} is already ${own.role} in ${org}: leave out --role to make a key only.`)
  if (!role && memberships.length === 0) return refuse('not_found', `${person.id} is nobody in ${org}: add --role member (or viewer, admin, owner) to let them in.`)
  if (role && !own) await join(sql, { orgId: found.id, projectId: '*', role, person })
  const key = await createKey(sql, { orgId: found.id, personId: person.id, expiresInDays }, newId)
  return { ok: true, org, person: person.id, role: own?.role ?? role ?? 'none', key }
}

async function takeBack(sql: OperatorSql, prefix: string): Promise<KeyRevoked | Refusal> {
  const revoked = await revokeKey(sql, prefix)
  return revoked ? { ok: true, ...revoked } : refuse('not_found', `There is no key that begins with "ambit_${prefix}" in this database.`)
}

const CODES: Readonly<Record<Declined['code'], RefusalCode>> = { exists: 'conflict', not_found: 'not_found', malformed: 'malformed' }

function refusalOf({ code, detail }: Declined): Refusal {
  return refuse(CODES[code], detail)
}
