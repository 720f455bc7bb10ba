import type { Pool } from 'pg'
import type { Database } from './database.ts'
import { openHandles } from './handles.ts'
import type { Handles } from './handles.ts'
import { hearWakes } from './hear-wakes.ts'
import type { Wakes, WakesOptions } from './hear-wakes.ts'
import { connect, openPostgres } from './open-postgres.ts'
import { ANSWER_MS } from './pg-transaction.ts'
import { DEFAULT_ROLE_PREFIX } from './role-prefix.ts'

/** A database that lives in this process. `open` migrates it, and rejects with a StartError where it is in use. */
export interface EmbeddedStore {
  open(): Promise<Database>
}

/** Where Ambit's own tables are: a PostgreSQL URL, a host's pool, or a database in this process. */
export type StoreSource = string | Pool | EmbeddedStore

/** What only a PostgreSQL server has: an embedded database is alone with its roles. */
export interface StoreOptions {
  readonly rolePrefix?: string | undefined
  readonly connections?: number | undefined
}

/** An open store: the four handles and their end. */
export interface Store extends Handles {
  /** True where no other process can open it. */
  readonly alone: boolean
  /**
   * The sweeper on a connection of its own: a lease that is renewed behind everybody's requests is lost when there are many,
   * and then all runs are made again. Of a host's pool, and of a database in this process, it is the same as the other.
   */
  readonly urgent: Handles['sweeper']
  /** Hears other nodes sooner than the next look would. Null where only looking helps: there are no others, or the pool is a host's. */
  readonly hear: ((heard: Omit<WakesOptions, 'url'>) => Wakes) | null
  close(): Promise<void>
}

/**
 * Opens the store. A PostgreSQL server is checked first (login, schema) and never migrated here: with many nodes, the
 * one that starts first must not change the schema under the others.
 */
export async function openStore(
  source: StoreSource,
  onIdleError: (error: Error) => void,
  { rolePrefix = DEFAULT_ROLE_PREFIX, connections }: StoreOptions = {},
): Promise<Store> {
  const embedded = isEmbedded(source)
  const database = embedded ? await source.open() : await openPostgres(source, { rolePrefix, connections, onIdleError })
  const own = typeof source === 'string' ? connect(source, onIdleError, { connections: 1, answerMs: ANSWER_MS }) : null
  const handles = openHandles(database, rolePrefix)
  const urgent = own ? openHandles(own, rolePrefix).sweeper : handles.sweeper
  const hear = typeof source === 'string' ? (heard: Omit<WakesOptions, 'url'>) => hearWakes({ url: source, ...heard }) : null
  const close = async () => void (await Promise.all([database.close(), own?.close()]))
  return { ...handles, urgent, alone: embedded, hear, close }
}

export function isEmbedded(source: StoreSource): source is EmbeddedStore {
  return typeof source === 'object' && 'open' in source
}
