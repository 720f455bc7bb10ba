import { createRemoteJWKSet, customFetch } from 'jose'
import type { FetchImplementation, JWTVerifyGetKey } from 'jose'
import { z } from 'zod'

const FETCH_MS = 5_000
const MAX_BYTES = 256_000
/** Keys older than this are fetched again before anything is checked with them: a key that was taken back is gone by then. */
const MAX_AGE_MS = 600_000
/** An unknown key id asks the issuer at most this often: else every forged token would be a request to it. */
const COOLDOWN_MS = 30_000
/** The same for an issuer that does not answer, where a fetch each would also be a wait of FETCH_MS each. */
const REST_MS = 5_000

/** Where keys are found: at `jwksUrl`, or where the issuer's own configuration says. */
export interface KeySource {
  readonly issuer: string
  readonly jwksUrl?: string
}

/**
 * An issuer's public keys, fetched when the first token comes, and again when they are old or a token names a key that is
 * not among them. It rejects, within bounds of time and size, where they cannot be had.
 */
export function issuerKeys({ issuer, jwksUrl }: KeySource): JWTVerifyGetKey {
  const start = jwksUrl === undefined ? demandSecure(configurationOf(issuer), 'issuer') : demandSecure(jwksUrl, 'jwksUrl')
  const locate = jwksUrl === undefined ? discover(issuer) : async (url: string) => url
  return createRemoteJWKSet(start, {
    timeoutDuration: FETCH_MS,
    cacheMaxAge: MAX_AGE_MS,
    cooldownDuration: COOLDOWN_MS,
    [customFetch]: restAfterFailure(async (url, init) => {
      const at = await locate(url, init)
      return Response.json(jwks.parse(await fetchJson(at, init)))
    }),
  })
}

const jwks = z.object({ keys: z.array(z.looseObject({})) })

type Init = Parameters<FetchImplementation>[1]

/** OpenID Connect Discovery 1.0, section 4: asked before each fetch of keys, so that keys may move. */
function discover(issuer: string): (url: string, init: Init) => Promise<string> {
  // Section 4.3: a configuration of another issuer must not name the keys of this one.
  const configuration = z.object({ issuer: z.literal(issuer), jwks_uri: z.string() })
  return async (url, init) => {
    const { jwks_uri } = configuration.parse(await fetchJson(url, init))
    return demandSecure(jwks_uri, 'jwks_uri').href
  }
}

function configurationOf(issuer: string): string {
  return `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`
}

function restAfterFailure(fetchKeys: FetchImplementation): FetchImplementation {
  let failed: { readonly error: unknown; readonly at: number } | null = null
  return async (url, init) => {
    if (failed && performance.now() - failed.at < REST_MS) throw failed.error
    try {
      const response = await fetchKeys(url, init)
      failed = null
      return response
    } catch (error) {
      failed = { error, at: performance.now() }
      throw error
    }
  }
}

/** The signal of `init` bounds the body, too. No redirect is followed: the address is the one that was configured. */
async function fetchJson(url: string, init: Init): Promise<unknown> {
  const { status, body } = await fetch(url, init)
  if (status !== 200 || !body) {
    await body?.cancel()
    throw new Error(`${url} answered ${status}, and not with the keys of the issuer.`)
  }
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  // Leaving the loop by a throw cancels the body.
  for await (const piece of body) {
    bytes += piece.byteLength
    if (bytes > MAX_BYTES) throw new Error(`${url} answered with more than ${MAX_BYTES} bytes.`)
    text += decoder.decode(piece, { stream: true })
  }
  return JSON.parse(text)
}

/** Plain HTTP only to this machine: whoever can answer in the issuer's place signs in everybody's name. */
function demandSecure(text: string, name: string): URL {
  const url = URL.parse(text)
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname))
  if (url && secure && url.username === '' && url.password === '') return url
  throw new Error(`${name} must lead to an https URL without a user in it (http only on localhost, 127.0.0.1 or [::1]).`)
}

const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/
