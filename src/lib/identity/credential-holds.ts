import type { Principal } from '../directory/principal.ts'
import type { Handles } from '../store/handles.ts'
import { isKeyGood } from '../store/key-rows.ts'

/**
 * Whether what somebody signed in with is still good: asked for those who are not at the door any more, a run and whoever
 * reads it. Ambit knows that of its own keys alone. Of a host's credentials, and of a claim `key` that is none of Ambit's
 * (keys are revoked and never deleted), the host's directory must know it.
 */
export async function credentialHolds({ lookup }: Pick<Handles, 'lookup'>, who: Principal): Promise<boolean> {
  const { org, key } = who.claims ?? {}
  if (typeof org !== 'string' || typeof key !== 'string') return true
  const good = await lookup((sql) => isKeyGood(sql, org, key))
  return good ?? true
}
