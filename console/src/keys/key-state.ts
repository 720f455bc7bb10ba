export type KeyState = 'working' | 'expired' | 'revoked'

interface Ending {
  readonly expires_at: string | null
}

/** Whether a key opens anything, and if not, why. */
export function stateOf({ expires_at: expires, revoked_at: revoked }: Ending & { readonly revoked_at: string | null }, now = Date.now()): KeyState {
  if (revoked !== null) return 'revoked'
  return expires !== null && Date.parse(expires) <= now ? 'expired' : 'working'
}

/** So long before its end it is said. */
const SOON_MS = 7 * 86_400_000

export function endsSoon({ expires_at: expires }: Ending, now = Date.now()): boolean {
  return expires !== null && Date.parse(expires) - now < SOON_MS
}

/** How a key is tried from a terminal. `api` is what stands before every path of the interface. */
export function curlWith(key: string, api: string, origin: string): string {
  return `curl -H 'authorization: Bearer ${key}' ${new URL(`${api}/v1/me`, origin).href}`
}
