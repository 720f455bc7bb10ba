import type { Principal } from '../directory/principal.ts'
import type { Log } from '../observe/log.ts'

import type { Credential } from './api-key.ts'

/** What Ambit lends to a scheme of its own; a host's function need not look at it. */
export interface IdentityTools {
  authenticateKey(authorization: string | null): Promise<Credential>
  /** Who has signed in, by the secrets of the cookie. */
  authenticateSignIn(secrets: readonly string[]): Promise<Credential>
  readonly log: Log
}

/**
 * Why a scheme lets nobody in. Absence and forgery are never one answer:
 * - `not_mine`: no credential, or one of another kind. Another scheme may know it.
 * - `refused`: a credential of this scheme that is not good. No other scheme is asked.
 * - `unavailable`: it cannot be told now (the issuer's keys are away), which is no fault of the credential.
 */
export interface Unidentified {
  readonly ok: false
  readonly code: 'not_mine' | 'refused' | 'unavailable'
  /** For the log: outside, `not_mine` and `refused` are the same 401. */
  readonly reason: string
  /** The claim that is missing or wrong: its name, never its value. */
  readonly claim?: string
  readonly cause?: unknown
}

/**
 * Who sent this request, or null. Null is 401, whatever the reason was, and all that a host's function has to know. An
 * `Unidentified` says more, as a value: a forged token and an issuer that is away are both expected here, and a thrown
 * error would be a fault of Ambit's (500).
 */
export interface Authenticate {
  (request: Request, tools: IdentityTools): Promise<Principal | Unidentified | null>
  /** Set by `signedIn()`: a key can be exchanged for a cookie. Absent, there is no such way in: a cookie would be nobody's. */
  readonly signIn?: { readonly secureCookie?: boolean }
}

/** Ambit's API keys, as `Authorization: Bearer ambit_…`. */
export function apiKeys(): Authenticate {
  return async (request, tools) => {
    const authorization = request.headers.get('authorization')
    const credential = await tools.authenticateKey(authorization)
    if (credential.ok) return credential.principal
    return { ok: false, code: isKeyLike(authorization) ? 'refused' : 'not_mine', reason: credential.code }
  }
}

/** A key is known by its beginning, so that a mistyped one is not taken for another scheme's. */
function isKeyLike(authorization: string | null): boolean {
  return authorization !== null && /^bearer +ambit_/i.test(authorization)
}

/**
 * Several schemes as one, asked in this order. The first that knows the credential as its own decides: what it refuses
 * is offered to no other.
 */
export function firstOf(...schemes: readonly Authenticate[]): Authenticate {
  const signIn = schemes.find((scheme) => scheme.signIn)?.signIn
  return Object.assign(askEach(schemes), signIn && { signIn })
}

function askEach(schemes: readonly Authenticate[]): Authenticate {
  return async (request, tools) => {
    let answer: Unidentified | null = null
    for (const scheme of schemes) {
      const given = await scheme(request, tools)
      if (given && !('ok' in given && given.code === 'not_mine')) return given
      // The last one that has a reason gives the log its reason.
      answer = given ?? answer
    }
    return answer
  }
}
