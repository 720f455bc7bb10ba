import type { LookupSql, OperatorSql } from './handles.ts'

export interface KeyRow {
  readonly org_id: string
  readonly id: string
  readonly prefix: string
  readonly org: string
  readonly person_id: string
  readonly person_name: string
  readonly hash: Uint8Array
  readonly expired: boolean
  readonly revoked: boolean
  readonly stale: boolean
}

/** The key with this public prefix. Expiry is judged by the database's clock; `stale` says that last use is worth writing again. */
export async function findKey(sql: LookupSql, prefix: string): Promise<KeyRow | null> {
  const { rows } = await sql.query<KeyRow>(
    `select k.org_id, k.id, k.prefix, o.slug as org, k.person_id, p.name as person_name, k.hash,
            k.expires_at is not null and k.expires_at <= now() as expired,
            k.revoked_at is not null as revoked,
            k.last_used_at is null or k.last_used_at < now() - interval '1 minute' as stale
     from ambit.api_keys k
     join ambit.organisations o on o.id = k.org_id
     join ambit.people p on p.id = k.person_id
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

export async function insertKey(
  sql: OperatorSql,
  key: { orgId: string; id: string; personId: string; prefix: string; hash: Uint8Array; expiresInDays: number | null },
): Promise<void> {
  await sql.query(
    `insert into ambit.api_keys (org_id, id, person_id, prefix, hash, expires_at)
     values ($1, $2, $3, $4, $5, now() + make_interval(days => $6))`,
    [key.orgId, key.id, key.personId, key.prefix, key.hash, key.expiresInDays],
  )
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
