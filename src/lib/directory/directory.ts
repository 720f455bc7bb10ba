import type { Id, Principal } from './principal.ts'

/** An organisation or project address, as the path (or the host) names it. Not trusted: a name, not a right. */
export interface ChatTarget {
  readonly org: Id
  readonly project?: Id
}

/** What a place is called. `slug` is for logs and addresses, `name` and `about` for people and the model. */
export interface Place {
  readonly id: Id
  readonly slug: string
  readonly name: string
  readonly about?: string
}

/** `viewer` reads; `member`, `admin` and `owner` chat. */
export type Role = 'owner' | 'admin' | 'member' | 'viewer'

/** The directory's answer: this principal, at this target. */
export interface Access {
  readonly role: Role
  /** The host's own rights, as tools `require` them. */
  readonly grants?: readonly string[]
  readonly org: Place
  /** Present exactly where the target names a project. */
  readonly project?: Place
  /** Changes whenever what this principal may see or do changes. */
  readonly version?: string
}

export interface Page {
  readonly limit: number
  /** The id of the last place of the page before. */
  readonly after?: Id
}

/**
 * Who may see what: questions that are asked again at every boundary. Never given a Request, because a run that
 * outlives its request is asked about too. Ambit keeps its own; a host with organisations of its own brings another.
 */
export interface Directory {
  /** Null where the target is foreign, deleted, not this principal's, or never existed: the caller cannot tell them apart. */
  access(who: Principal, target: ChatTarget): Promise<Access | null>
  /** The projects of the organisation that this principal may see, ordered by id. */
  projects(who: Principal, org: Id, page: Page): Promise<readonly Place[]>
  /**
   * The organisations that this principal may see, or see a project of, ordered by id; `slug` is what `access` is asked for as `org`. For a list to choose
   * from, and no right: what is listed is asked of `access` all the same. Absent, nothing is listed.
   */
  organisations?(who: Principal, page: Page): Promise<readonly Place[]>
}
