import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { NewId } from '../directory/new-id.ts'
import { findKey, insertKey, touchKey } from '../store/key-rows.ts'
import type { KeyRow, ListedKeyRow } from '../store/key-rows.ts'
import type { Handles, LookupSql, OperatorSql, ScopedSql } from '../store/handles.ts'
import type { Principal } from '../directory/principal.ts'
import { sha256 } from './sha256.ts'

const PREFIX_BYTES = 9
const SECRET_BYTES = 32
const BEARER = /^bearer +(\S+)$/i
const KEY = /^ambit_([A-Za-z0-9_-]{12})_([A-Za-z0-9_-]{43})$/

const BEGINNING = /^ambit_([A-Za-z0-9_-]{12})(?:_[A-Za-z0-9_-]{43})?$/

/** What is public of a key, of which all or the beginning is given; null where it is none. */
export function prefixOf(key: string): string | null {
  return BEGINNING.exec(key)?.[1] ?? null
}

/** What became of a credential. The codes are for the log: outside, all refusals look alike. */
export type Credential =
  | { readonly ok: true; readonly principal: Principal }
  | Uncredited

/** `ended` and `ambiguous` are said of a sign-in only. */
export interface Uncredited {
  readonly ok: false
  readonly code: 'absent' | 'malformed' | 'unknown' | 'wrong_secret' | 'expired' | 'revoked' | 'ended' | 'ambiguous'
}

/** A key that was shown with its secret, and is good. */
export interface ProvedKey {
  readonly ok: true
  readonly key: KeyRow
}

export interface KeyOwner {
  readonly orgId: string
  readonly personId: string
  readonly expiresInDays: number | null
  /** Who asked for it over HTTP. */
  readonly madeBy?: string
}

/** The key itself, which nobody can tell again, and what stands about it in the list. */
export interface MintedKey {
  readonly key: string
  readonly row: ListedKeyRow
}

/**
 * Mints a key for a person in an organisation: `ambit_<prefix>_<secret>`, 256 random bits of secret. Answers the key
 * once; what is stored is the prefix and the secret's SHA-256 (a fast hash is enough for a secret nobody can guess).
 */
export async function mintKey(sql: OperatorSql | ScopedSql, owner: KeyOwner, newId: NewId): Promise<MintedKey> {
  const prefix = randomBytes(PREFIX_BYTES).toString('base64url')
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  const row = await insertKey(sql, { ...owner, madeBy: owner.madeBy ?? null, id: newId('key'), prefix, hash: sha256(secret) })
  return { key: `ambit_${prefix}_${secret}`, row }
}

/** The same for the command line. */
export async function createKey(sql: OperatorSql, owner: KeyOwner, newId: NewId): Promise<string> {
  return (await mintKey(sql, owner, newId)).key
}

/** Reads `Authorization: Bearer <key>`. */
export async function authenticateKey({ lookup }: Pick<Handles, 'lookup'>, authorization: string | null): Promise<Credential> {
  if (authorization === null) return { ok: false, code: 'absent' }
  const [, text = ''] = BEARER.exec(authorization) ?? []
  if (!KEY.test(text)) return { ok: false, code: 'malformed' } // no question to the database for what another scheme may know
  return lookup(async (sql): Promise<Credential> => {
    const proved = await proveKey(sql, text)
    return proved.ok ? { ok: true, principal: principalOf(proved.key) } : proved
  })
}

/** An unknown prefix costs the same comparison as a known one. */
export async function proveKey(sql: LookupSql, text: string): Promise<ProvedKey | Uncredited> {
  const [, prefix, secret] = KEY.exec(text) ?? []
  if (prefix === undefined || secret === undefined) return { ok: false, code: 'malformed' }
  const key = await findKey(sql, prefix)
  const same = timingSafeEqual(sha256(secret), key?.hash ?? NOBODY)
  if (!key) return { ok: false, code: 'unknown' }
  if (!same) return { ok: false, code: 'wrong_secret' }
  if (key.revoked) return { ok: false, code: 'revoked' }
  if (key.expired) return { ok: false, code: 'expired' }
  if (key.stale) await touchKey(sql, prefix)
  return { ok: true, key }
}

/** Who a key speaks for, in which way ever it came: nothing behind this knows the difference. */
export function principalOf({ person_id, person_name, org, id }: Pick<KeyRow, 'person_id' | 'person_name' | 'org' | 'id'>): Principal {
  return { subject: person_id, kind: 'person', claims: { org, key: id, name: person_name } }
}

const NOBODY = sha256('nobody')
