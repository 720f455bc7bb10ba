import type { Authenticate } from './authenticate.ts'
import { isSameOrigin } from './same-origin.ts'
import { signInSecrets } from './sign-in-cookie.ts'

export interface SignedInOptions {
  /**
   * Whether browsers may send the cookie over https only. Absent, it is so where the request that signed in came over https. Say `true` where a
   * proxy ends https: what it forwards is http, and what it says of that is not believed.
   */
  readonly secureCookie?: boolean
}

/**
 * Whoever has signed in with an API key, by the cookie that `POST /v1/sign-in` gave: for browsers, beside `apiKeys()`. The route is there where this scheme
 * is used, and only there. A request that has an `Authorization` header is not looked at: that decides.
 */
export function signedIn({ secureCookie }: SignedInOptions = {}): Authenticate {
  const scheme: Authenticate = async (request, tools) => {
    const secrets = signInSecrets(request)
    if (secrets.length === 0 || request.headers.has('authorization')) return { ok: false, code: 'not_mine', reason: 'absent' }
    if (!isSameOrigin(request)) return { ok: false, code: 'refused', reason: 'cross_origin' }
    const credential = await tools.authenticateSignIn(secrets)
    return credential.ok ? credential.principal : { ok: false, code: 'refused', reason: credential.code }
  }
  return Object.assign(scheme, { signIn: secureCookie === undefined ? {} : { secureCookie } })
}
