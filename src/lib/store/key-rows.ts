import type { LookupSql, OperatorSql, ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

export interface KeyRow {
  readonly org_id: string
  readonly id: string
  readonly prefix: string
  readonly org: string
  readonly person_id: string
  /** As the organisation calls him, or else a project of it; his id where nobody has a word for him. */
  readonly person_name: string
  readonly hash: Uint8Array
  readonly expired: boolean
  readonly revoked: boolean
  readonly stale: boolean
}

/** Of the person of a key `k`. */
export const PERSON_NAME = `coalesce((
  select m.name from ambit.memberships m where m.org_id = k.org_id and m.person_id = k.person_id and m.name <> ''
  order by m.project_id <> '*', m.project_id limit 1), k.person_id)`

/** The key with this public prefix. Expiry is judged by the database's clock; `stale` says that last use is worth writing again. */
export async function findKey(sql: LookupSql, prefix: string): Promise<KeyRow | null> {
  const { rows } = await sql.query<KeyRow>(
    `select k.org_id, k.id, k.prefix, o.slug as org, k.person_id, ${PERSON_NAME} as person_name, k.hash,
            k.expires_at is not null and k.expires_at <= now() as expired,
            k.revoked_at is not null as revoked,
            k.last_used_at is null or k.last_used_at < now() - interval '1 minute' as stale
     from ambit.api_keys k
     join ambit.organisations o on o.id = k.org_id
     where k.prefix = $1`,
    [prefix],
  )
  return rows[0] ?? null
}

/** Whether a key of this organisation (by its slug) still opens anything; null where there is none of this id. */
export async function isKeyGood(sql: LookupSql, org: string, id: string): Promise<boolean | null> {
  const { rows } = await sql.query<{ good: boolean }>(
    `select k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) as good
     from ambit.api_keys k join ambit.organisations o on o.id = k.org_id
     where o.slug = $1 and k.id = $2`,
    [org, id],
  )
  return rows[0]?.good ?? null
}

export async function touchKey(sql: LookupSql, prefix: string): Promise<void> {
  await sql.query('update ambit.api_keys set last_used_at = now() where prefix = $1', [prefix])
}

/** A key as its owner and the admins may know it: never its hash. */
export interface ListedKeyRow {
  readonly id: string
  readonly person: string
  readonly prefix: string
  /** Who made it; null: the command line. */
  readonly made_by: string | null
  readonly created_at: string
  readonly expires_at: string | null
  readonly last_used_at: string | null
  readonly revoked_at: string | null
}

const LISTED = `id, person_id as person, prefix, made_by, ${['created_at', 'expires_at', 'last_used_at', 'revoked_at'].map((column) => `${isoTime(column)} as ${column}`).join(', ')}`

export interface NewKey {
  readonly orgId: string
  readonly id: string
  readonly personId: string
  readonly prefix: string
  readonly hash: Uint8Array
  readonly expiresInDays: number | null
  readonly madeBy: string | null
}

export async function insertKey(sql: OperatorSql | ScopedSql, key: NewKey): Promise<ListedKeyRow> {
  const { rows } = await sql.query<ListedKeyRow>(
    `insert into ambit.api_keys (org_id, id, person_id, prefix, hash, expires_at, made_by)
     values ($1, $2, $3, $4, $5, now() + make_interval(days => $6), $7) returning ${LISTED}`,
    [key.orgId, key.id, key.personId, key.prefix, key.hash, key.expiresInDays, key.madeBy],
  )
  const [row] = rows
  if (!row) throw new Error('A key was written and not given back.')
  return row
}

/** Those that the scope was opened for, the newest first. */
export async function listKeys(
  sql: ScopedSql,
  page: { readonly limit: number; readonly after?: { readonly at: string; readonly id: string } | undefined },
): Promise<readonly ListedKeyRow[]> {
  const { rows } = await sql.query<ListedKeyRow>(
    `select ${LISTED} from ambit.api_keys k
     where $1::timestamptz is null or (k.created_at, k.id) < ($1::timestamptz, $2)
     order by k.created_at desc, k.id desc limit $3`,
    [page.after?.at ?? null, page.after?.id ?? null, page.limit],
  )
  return rows
}

/** Answers whose it was, also where it was revoked before; null where the scope was opened for no such key. */
export async function revokeListedKey(sql: ScopedSql, id: string): Promise<{ readonly person: string } | null> {
  const { rows } = await sql.query<{ person: string }>(
    'update ambit.api_keys set revoked_at = coalesce(revoked_at, now()) where id = $1 returning person_id as person',
    [id],
  )
  return rows[0] ?? null
}

/** Answers whose it was, also where it was revoked before; null where there is none of this prefix. */
export async function revokeKey(sql: OperatorSql, prefix: string): Promise<{ readonly org: string; readonly person: string } | null> {
  const { rows } = await sql.query<{ org: string; person: string }>(
    `update ambit.api_keys k set revoked_at = coalesce(k.revoked_at, now()) from ambit.organisations o
     where k.prefix = $1 and o.id = k.org_id returning o.slug as org, k.person_id as person`,
    [prefix],
  )
  return rows[0] ?? null
}
