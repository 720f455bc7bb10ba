import type { ObjectRef } from './object-ref.ts'

/** Why something is told in part or not at all. `budget`: others came first. `limit`: a bound of its own. `failed`: its source did. */
export type CutReason = 'budget' | 'limit' | 'failed' | 'not_found' | 'no_source'

/** Whose it is: the installation's (rules, tools), the organisation's, or the project's. */
export type SliceScope = 'installation' | 'organisation' | 'project'

/** One slice of what the model was told when a run began, or was not told. */
export interface ManifestEntry {
  readonly source: string
  readonly scope: SliceScope
  /** Estimated: of the whole slice, and of what was told of it. */
  readonly tokens: number
  readonly told: number
  readonly outcome: 'kept' | 'cut' | 'dropped'
  readonly reason: CutReason | null
  /** Of history: messages told, of those there are (up to the limit of messages). */
  readonly messages?: { readonly told: number; readonly of: number }
  /** What the message was about, where the slice is the answer to that. */
  readonly about?: ObjectRef
}

/** The record of what the model was told: kept with the run, behind its read set. */
export interface Manifest {
  /** Tokens that there were to give. */
  readonly budget: number
  readonly entries: readonly ManifestEntry[]
}
