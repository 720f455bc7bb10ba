import type { ChatTarget, Role } from '../../../src/lib/directory/directory.ts'
import type { Principal } from '../../../src/lib/directory/principal.ts'
import type { Permission } from '../../../src/lib/scope/chat-execution-context.ts'

// A world as plain data: what the oracle reads and the database is told. Ids are made to collide: every organisation has
// a project `p0`, every place a thread `t0`, every thread a message `m0`; only organisations and people have names of
// their own. A slug is another project's id. Who confuses two of them is found out.

/** `*` where the organisation itself is meant. */
interface Place {
  readonly org: string
  readonly project: string
}

export interface OrganisationFact {
  readonly id: string
  readonly slug: string
  readonly deleted: boolean
}

export interface ProjectFact {
  readonly org: string
  readonly id: string
  readonly slug: string
  readonly isPrivate: boolean
  readonly deleted: boolean
}

export interface MembershipFact extends Place {
  readonly person: string
  readonly role: Role
}

export interface SettingsFact extends Place {
  readonly aiEnabled: boolean
}

export interface ThreadFact extends Place {
  readonly id: string
  readonly author: string
  readonly alias: string | null
  readonly shared: boolean
}

/** `said`: its content was written. An answer's is guarded by its run. */
export interface MessageFact extends Place {
  readonly thread: string
  readonly id: string
  readonly number: number
  readonly author: string
  readonly run: string | null
  readonly said: boolean
}

/** `reads` is its read set. Null stands for an entry that no code writes; nobody may see past it. */
export interface RunFact extends Place {
  readonly thread: string
  readonly id: string
  readonly question: string
  readonly answer: string
  readonly author: string
  readonly reads: readonly (string | null)[]
}

/** Of the thread itself, or of a run in it. */
export interface EventFact extends Place {
  readonly number: number
  readonly thread: string
  readonly run: string | null
}

/** A key under which somebody asked for something. */
export interface KeyFact extends Place {
  readonly author: string
  readonly key: string
}

/** `message` is the one that it was sent with, of `thread`; both are null where it was not sent. */
export interface FileFact extends Place {
  readonly id: string
  readonly author: string
  readonly thread: string | null
  readonly message: string | null
}

export interface DocumentFact extends Place {
  readonly id: string
}

export interface World {
  readonly organisations: readonly OrganisationFact[]
  readonly projects: readonly ProjectFact[]
  readonly people: readonly string[]
  readonly memberships: readonly MembershipFact[]
  readonly settings: readonly SettingsFact[]
  readonly threads: readonly ThreadFact[]
  readonly messages: readonly MessageFact[]
  readonly runs: readonly RunFact[]
  readonly events: readonly EventFact[]
  readonly keys: readonly KeyFact[]
  readonly files: readonly FileFact[]
  readonly documents: readonly DocumentFact[]
  /** What is asked of Ambit in this world. */
  readonly asks: readonly Ask[]
  /** What is asked of the database alone: settings that nothing in Ambit would make. */
  readonly raw: RawSettings
}

export interface Ask {
  readonly who: Principal
  readonly target: ChatTarget
  readonly permission: Permission
}

/** What row-level security is told, as text. */
export interface RawSettings {
  readonly org: string
  readonly projects: string
  readonly user: string
}
