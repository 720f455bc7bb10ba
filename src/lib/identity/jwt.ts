import { decodeJwt, errors, jwtVerify } from 'jose'
import type { JWTVerifyGetKey } from 'jose'
import type { Authenticate, Unidentified } from './authenticate.ts'
import { demandClaimNames, principalOf } from './jwt-claims.ts'
import type { ClaimNames, Claims, ReadClaims } from './jwt-claims.ts'
import { issuerKeys } from './jwt-keys.ts'
import { faultOf } from './jwt-reason.ts'

/** Asymmetric, all of them: with a shared secret whoever checks tokens could also make them. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const
const DEFAULT_ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519', 'PS256'] as const

const MAX_TOKEN = 8_192
const DEFAULT_TOLERANCE_S = 30
const MAX_TOLERANCE_S = 300

export type JwtAlgorithm = (typeof ALGORITHMS)[number]

export interface JwtOptions {
  /** Who signs: `iss`, letter for letter. */
  readonly issuer: string
  /** For whom: `aud` must hold one of these. */
  readonly audience: string | readonly string[]
  /** Where the issuer's keys are, by https. Absent: `<issuer>/.well-known/openid-configuration` says. */
  readonly jwksUrl?: string
  readonly algorithms?: readonly JwtAlgorithm[]
  /** By how many seconds the issuer's clock may be wrong: 0 to 300. */
  readonly clockToleranceS?: number
  /** Which claims make the principal. Absent: `sub` is the person. */
  readonly claims?: ClaimNames | ReadClaims
}

/**
 * Tokens of one issuer, as `Authorization: Bearer <JWT>`. A token of another issuer is left to other schemes. Asks the
 * issuer for nothing until the first token comes. Throws at once where an option cannot be what it is.
 */
export function jwt(options: JwtOptions): Authenticate {
  const rules = rulesOf(options)
  const claims = options.claims ?? {}
  if (typeof claims !== 'function') demandClaimNames(claims)
  const keys = issuerKeys(options)
  return async (request) => {
    const [, token] = /^bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
    if (token === undefined) return { ok: false, code: 'not_mine', reason: 'absent' }
    if (token.length > MAX_TOKEN) return { ok: false, code: 'refused', reason: 'too_large' }
    const said = peek(token)
    if (!said) return { ok: false, code: 'not_mine', reason: 'malformed' }
    if (said['iss'] !== rules.issuer) return { ok: false, code: 'not_mine', reason: 'wrong_issuer' }
    const verified = await verify(token, keys, 'iat' in said ? { ...rules, ...NOT_FROM_THE_FUTURE } : rules)
    return verified.ok ? principalOf(verified.claims, claims) : verified
  }
}

interface Rules {
  readonly issuer: string
  readonly audience: string[]
  readonly algorithms: string[]
  readonly clockTolerance: number
  readonly requiredClaims: string[]
}

/** jose looks at `iat` only where an age is bounded, and then demands it. `exp` is the bound; this one is never reached. */
const NOT_FROM_THE_FUTURE = { maxTokenAge: Number.MAX_SAFE_INTEGER }

/** Checked here and not by the types alone: an empty audience or issuer from somebody's environment would be no check at all. */
function rulesOf(options: JwtOptions): Rules {
  const { issuer, algorithms = DEFAULT_ALGORITHMS, clockToleranceS = DEFAULT_TOLERANCE_S } = options
  const audience = [options.audience].flat()
  if (!isText(issuer)) throw new Error('jwt() needs an issuer: the `iss` of the tokens to accept.')
  if (audience.length === 0 || !audience.every(isText)) throw new Error('jwt() needs an audience: the `aud` by which tokens are meant for this server.')
  const known: readonly string[] = ALGORITHMS
  if (algorithms.length === 0 || !algorithms.every((name) => known.includes(name))) {
    throw new Error(`algorithms must be among ${ALGORITHMS.join(', ')}.`)
  }
  if (!(clockToleranceS >= 0 && clockToleranceS <= MAX_TOLERANCE_S)) throw new Error(`clockToleranceS must be from 0 to ${MAX_TOLERANCE_S} seconds.`)
  return { issuer, audience, algorithms: [...algorithms], clockTolerance: clockToleranceS, requiredClaims: ['exp'] }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** What a token says, before anything of it is proved: enough to leave it to another scheme, and for nothing else. */
function peek(token: string): Claims | null {
  try {
    return decodeJwt(token)
  } catch (error) {
    if (error instanceof errors.JWTInvalid) return null
    throw error
  }
}

/** An access token (RFC 9068), or one that does not say what it is. Not a logout token or a proof, which the same keys sign. */
const TYPES = ['jwt', 'application/jwt', 'at+jwt', 'application/at+jwt']

async function verify(token: string, keys: JWTVerifyGetKey, rules: Rules): Promise<{ readonly ok: true; readonly claims: Claims } | Unidentified> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, rules)
    if (TYPES.includes(String(protectedHeader.typ ?? 'JWT').toLowerCase())) return { ok: true, claims: payload }
    return { ok: false, code: 'refused', reason: 'wrong_type' }
  } catch (error) {
    const fault = faultOf(error)
    // Whatever is not the token's fault is the keys': they are away, or nothing that can be used.
    return fault ? { ok: false, code: 'refused', ...fault } : { ok: false, code: 'unavailable', reason: 'no_keys', cause: error }
  }
}
