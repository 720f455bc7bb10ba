import type { Role } from '../../../src/lib/directory/directory.ts'
import type { Permission } from '../../../src/lib/scope/chat-execution-context.ts'

// The world of the matrix and who may do what in it, written down a second time and by other means than the product's: in
// memory, from these tables alone.

/** `acme` is an organisation, `acme/apollo` a project of it. */
export type PlaceName = string

export const ORGANISATIONS = ['acme', 'globex', 'umbra'] as const
export const DELETED_ORGANISATION = 'umbra'

export const PROJECTS: Readonly<Record<PlaceName, 'organisation' | 'private'>> = {
  'acme/apollo': 'organisation',
  'acme/orion': 'organisation',
  'acme/zephyr': 'private',
  'acme/gone': 'organisation',
  'globex/apollo': 'organisation',
  'globex/zephyr': 'private',
  'umbra/apollo': 'organisation',
}
export const DELETED_PROJECT: PlaceName = 'acme/gone'

export const ALL_PLACES: readonly PlaceName[] = [...ORGANISATIONS, ...Object.keys(PROJECTS)]

export const PEOPLE = {
  ada: { acme: 'owner', 'acme/zephyr': 'member' },
  carol: { acme: 'admin' },
  bob: { acme: 'member' },
  dave: { acme: 'viewer' },
  erin: { 'acme/apollo': 'member' },
  zoe: { 'acme/zephyr': 'admin' },
  both: { acme: 'member', globex: 'member' },
  gus: { globex: 'owner', 'globex/zephyr': 'member' },
  hana: { globex: 'member' },
  ivan: { umbra: 'owner' },
  /** Was a member of acme when her key was made, and is none any more. */
  rae: {},
} as const satisfies Record<string, Readonly<Record<PlaceName, Role>>>

export type Person = keyof typeof PEOPLE

/** Who sends a request, as the credential says it. */
export interface Caller {
  readonly name: string
  /** Null: the credential is nobody's. */
  readonly person: Person | null
  /** The one organisation that the credential is for; null for all of the person's. */
  readonly org: string | null
  readonly authorization: string | null
}

export function orgOf(place: PlaceName): string {
  return place.split('/')[0] ?? ''
}

export function isProject(place: PlaceName): boolean {
  return place.includes('/')
}

/** The role at a place; null where it is not this caller's, was deleted, or never was. */
export function roleAt({ person, org }: Pick<Caller, 'person' | 'org'>, place: PlaceName | null): Role | null {
  if (person === null || place === null || !ALL_PLACES.includes(place)) return null
  if (orgOf(place) === DELETED_ORGANISATION || place === DELETED_PROJECT) return null
  if (org !== null && org !== orgOf(place)) return null
  const roles: Readonly<Record<string, Role>> = PEOPLE[person]
  const inOrganisation = roles[orgOf(place)] ?? null
  if (!isProject(place)) return inOrganisation
  return roles[place] ?? (PROJECTS[place] === 'organisation' ? inOrganisation : null)
}

/** The places that a caller may read, organisations and projects. */
export function placesOf(caller: Pick<Caller, 'person' | 'org'>): readonly PlaceName[] {
  return ALL_PLACES.filter((place) => roleAt(caller, place) !== null)
}

/** The places whose rows are in the scope of an address: a project alone, or an organisation with the projects that are visible. */
export function scopeOf(caller: Pick<Caller, 'person' | 'org'>, at: PlaceName): readonly PlaceName[] {
  if (roleAt(caller, at) === null) return []
  return isProject(at) ? [at] : placesOf(caller).filter((place) => orgOf(place) === at)
}

export function mayDo(role: Role, permission: Permission): boolean {
  if (permission === 'read') return true
  return permission === 'admin' ? role === 'owner' || role === 'admin' : role !== 'viewer'
}

/** A thread of the world, with the one run in it. */
export interface PlantedThread {
  readonly place: PlaceName
  readonly author: Person
  readonly shared: boolean
  /** Its run is under way until the matrix ends. */
  readonly live: boolean
  readonly id: string
  /** What the author's client calls it. */
  readonly alias: string
  /** The Idempotency-Key under which it was asked for. */
  readonly key: string
  readonly run: string
  /** Came with the question. */
  readonly file: string
  readonly question: string
  readonly answer: string
  /** The places that the run was told of. */
  readonly reads: readonly PlaceName[]
}

export function seesThread(caller: Caller, at: PlaceName | null, thread: Pick<PlantedThread, 'place' | 'author' | 'shared'>): boolean {
  return at === thread.place && roleAt(caller, at) !== null && (thread.shared || thread.author === caller.person)
}

/** What the run said: only to those who may see all that it was told of. */
export function seesAnswer(caller: Caller, at: PlaceName | null, thread: PlantedThread): boolean {
  if (at === null || !seesThread(caller, at, thread)) return false
  const scope = scopeOf(caller, at)
  return thread.reads.every((place) => scope.includes(place))
}
