import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import type { CryptoKey, JWK, JWTHeaderParameters, JWTPayload } from 'jose'
import { afterAll, afterEach, beforeAll, vi } from 'vitest'
import { must } from './stage.ts'
import type { PersonName } from './world.ts'

export const AUDIENCE = 'https://ambit.test'
export const OTHER_AUDIENCE = 'https://elsewhere.test'

const ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'PS256'] as const
const CLIENTS: readonly PersonName[] = ['ada', 'bob', 'gus']
const SECRET = 'a-client-secret-of-the-tests'

/** One key, and both halves of it. */
export interface Signer {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export async function newSigner(alg: string, kid: string): Promise<Signer> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(privateKey)), alg, kid, use: 'sig' } }
}

/** An OpenID Connect provider that knows nothing of Ambit, on a socket of its own. */
export interface Issuer {
  readonly url: string
  readonly jwksUrl: string
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[]
  /** Its key for this algorithm, of those that it signs with now. */
  signer(alg?: string): Signer
  /** A real access token (RFC 9068) whose `sub` is the client. */
  issue(client: PersonName, audience?: string): Promise<string>
  /** A token of its own making, with claims that its protocol would never give. */
  sign(claims: JWTPayload, header?: Partial<JWTHeaderParameters>, signer?: Signer): Promise<string>
  /** Throws its keys away and makes others. */
  rotate(): Promise<void>
  /** Answers this path by other means, until the test ends. */
  break(path: string, answer: RequestListener): void
}

/** One for a file: it begins before the first test and ends after the last. */
export function useIssuer(): Issuer {
  let signers: readonly Signer[] = []
  let generation = 0
  let serve: RequestListener = () => {}
  let url = ''
  const asked: string[] = []
  const broken = new Map<string, RequestListener>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const answer = broken.get(path) ?? serve
    answer(request, response)
  })
  const rotate = async () => {
    generation += 1
    signers = await Promise.all(ALGORITHMS.map((alg) => newSigner(alg, `${alg}-${generation}`)))
    serve = await provider(url, signers)
  }
  const signerOf = (alg: string = ALGORITHMS[0]) => must(signers.find((one) => one.alg === alg))
  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await rotate()
  })
  afterEach(() => broken.clear())
  afterAll(async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  })
  return {
    get url() {
      return url
    },
    get jwksUrl() {
      return `${url}/jwks`
    },
    asked,
    signer: signerOf,
    async issue(client, audience = AUDIENCE) {
      const response = await fetch(`${url}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${client}:${SECRET}`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience }),
      })
      const { access_token: token } = (await response.json()) as { access_token?: string }
      return must(token)
    },
    sign: (claims, header = {}, signer = signerOf(header.alg)) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: signer.alg, kid: signer.kid, typ: 'at+jwt', ...header })
        // What this side calls known, the other need not know.
        .sign(signer.privateKey, { crit: { 'urn:x': true } }),
    rotate,
    break: (path, answer) => void broken.set(path, answer),
  }
}

async function provider(url: string, signers: readonly Signer[]): Promise<RequestListener> {
  // It warns on being loaded by a Node that is not yet LTS, and of its store in memory.
  const silenced = vi.spyOn(console, 'warn').mockImplementation(() => {})
  try {
    const { Provider } = await import('oidc-provider')
    return new Provider(url, configurationOf(signers)).callback()
  } finally {
    silenced.mockRestore()
  }
}

function configurationOf(signers: readonly Signer[]) {
  return {
    jwks: { keys: signers.map((one) => one.jwk) },
    clients: CLIENTS.map((id) => ({
      client_id: id, client_secret: SECRET, grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
    })),
    cookies: { keys: ['of the tests'] },
    ttl: { ClientCredentials: 600 },
    extraTokenClaims: () => ({ org_slug: 'acme', team: 'launch' }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_: unknown, resource: string) => ({
          scope: 'chat', audience: resource, accessTokenTTL: 600, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  }
}
