import { randomBytes } from 'node:crypto'
import type { Principal } from '../directory/principal.ts'
import type { Handles } from '../store/handles.ts'
import { touchKey } from '../store/key-rows.ts'
import { deleteEndedSignIns, deleteOldestSignIns, deleteSignIns, findSignIns, insertSignIn, touchSignIn } from '../store/sign-in-rows.ts'
import type { SignInRow } from '../store/sign-in-rows.ts'
import { principalOf, proveKey } from './api-key.ts'
import type { Credential, Uncredited } from './api-key.ts'
import { sha256 } from './sha256.ts'

const SECRET_BYTES = 32

export interface SignedIn {
  readonly ok: true
  readonly principal: Principal
  /** Known to the browser's cookie, and to nobody else: what is stored is its hash. */
  readonly secret: string
}

/**
 * Exchanges a key for the secret of a cookie, in place of those that the browser has. Not limited in how often it is tried: a key is 256 random
 * bits, so there is nothing to guess, and a wrong one costs what any other request without a credential costs.
 */
export async function signIn({ lookup }: Pick<Handles, 'lookup'>, key: string, before: readonly string[]): Promise<SignedIn | Uncredited> {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  return lookup(async (sql) => {
    const proved = await proveKey(sql, key)
    if (!proved.ok) return proved
    await deleteSignIns(sql, before.map(sha256))
    await deleteEndedSignIns(sql)
    await deleteOldestSignIns(sql, proved.key)
    await insertSignIn(sql, proved.key, sha256(secret))
    return { ok: true, principal: principalOf(proved.key), secret }
  })
}

/**
 * Who signed in. More than one secret is there where two Ambits have one host name, or where another page of this site has planted a cookie
 * of its own: of two that are good nobody knows whose the person meant to be.
 */
export async function authenticateSignIn({ lookup }: Pick<Handles, 'lookup'>, secrets: readonly string[]): Promise<Credential> {
  return lookup(async (sql): Promise<Credential> => {
    const known = await findSignIns(sql, secrets.map(sha256))
    const [good, another] = known.filter((one) => faultOf(one) === null)
    if (another) return { ok: false, code: 'ambiguous' }
    if (!good) return { ok: false, code: (known[0] && faultOf(known[0])) ?? 'unknown' }
    if (good.stale) {
      await touchSignIn(sql, good)
      await touchKey(sql, good.prefix)
    }
    return { ok: true, principal: principalOf(good) }
  })
}

/** Ends them: what comes with one of these cookies later is unknown. */
export async function signOut({ lookup }: Pick<Handles, 'lookup'>, secrets: readonly string[]): Promise<void> {
  if (secrets.length > 0) await lookup((sql) => deleteSignIns(sql, secrets.map(sha256)))
}

function faultOf({ revoked, expired, ended }: SignInRow): Uncredited['code'] | null {
  if (revoked) return 'revoked'
  if (expired) return 'expired'
  return ended ? 'ended' : null
}
