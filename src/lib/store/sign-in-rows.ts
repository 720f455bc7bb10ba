import type { LookupSql } from './handles.ts'
import { PERSON_NAME } from './key-rows.ts'
import type { KeyRow } from './key-rows.ts'

/** A sign-in as its key, of which `hash` is the cookie's and `stale` is the use of the sign-in. Judged by the database's clock. */
export interface SignInRow extends KeyRow {
  readonly ended: boolean
}

/** Of one key: a person's browsers. The one that was used longest ago makes room. */
const SIGN_INS_OF_A_KEY = 50

/** Of everybody's that are over: each new one takes more away than it adds. */
const ENDED_AT_A_TIME = 100

/** Those of these cookies that are known. */
export async function findSignIns(sql: LookupSql, hashes: readonly Uint8Array[]): Promise<readonly SignInRow[]> {
  const { rows } = await sql.query<SignInRow>(
    `select s.hash, s.ends_at <= now() as ended, s.used_at < now() - interval '1 hour' as stale,
            k.org_id, k.id, o.slug as org, k.person_id, ${PERSON_NAME} as person_name, k.prefix,
            k.expires_at is not null and k.expires_at <= now() as expired,
            k.revoked_at is not null as revoked
     from ambit.sign_ins s
     join ambit.api_keys k on k.org_id = s.org_id and k.id = s.key_id
     join ambit.organisations o on o.id = k.org_id
     where s.hash = any($1::bytea[])`,
    [hashes],
  )
  return rows
}

/** Seven days after the last use that is written, thirty days after the beginning. */
export async function touchSignIn(sql: LookupSql, { org_id, id, hash }: SignInRow): Promise<void> {
  await sql.query(
    `update ambit.sign_ins set used_at = now(), ends_at = least(now() + interval '7 days', created_at + interval '30 days')
     where org_id = $1 and key_id = $2 and hash = $3`,
    [org_id, id, hash],
  )
}

export async function insertSignIn(sql: LookupSql, { org_id, id }: Pick<KeyRow, 'org_id' | 'id'>, hash: Uint8Array): Promise<void> {
  await sql.query("insert into ambit.sign_ins (org_id, key_id, hash, ends_at) values ($1, $2, $3, now() + interval '7 days')", [org_id, id, hash])
}

export async function deleteSignIns(sql: LookupSql, hashes: readonly Uint8Array[]): Promise<number> {
  const { count } = await sql.query('delete from ambit.sign_ins where hash = any($1::bytea[])', [hashes])
  return count
}

/** Of this key, all but the newest that leave room for one more. */
export async function deleteOldestSignIns(sql: LookupSql, { org_id, id }: Pick<KeyRow, 'org_id' | 'id'>): Promise<void> {
  await sql.query(
    `delete from ambit.sign_ins where org_id = $1 and key_id = $2 and hash in (
       select hash from ambit.sign_ins where org_id = $1 and key_id = $2 order by used_at desc, hash offset $3)`,
    [org_id, id, SIGN_INS_OF_A_KEY - 1],
  )
}

/** Those of anybody's that are over. Two who sign in at once take different ones. */
export async function deleteEndedSignIns(sql: LookupSql): Promise<void> {
  await sql.query(
    `with over as (select org_id, key_id, hash from ambit.sign_ins where ends_at <= now() order by ends_at limit $1 for update skip locked)
     delete from ambit.sign_ins s using over where s.org_id = over.org_id and s.key_id = over.key_id and s.hash = over.hash`,
    [ENDED_AT_A_TIME],
  )
}
