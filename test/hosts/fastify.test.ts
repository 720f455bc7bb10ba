import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'
import { afterAll } from 'vitest'
import { newSigner } from '../support/issuer.ts'
import type { Signer } from '../support/issuer.ts'
import { describeHost } from './support/host-contract.ts'

const AUDIENCE = 'https://shop.test'
let issuer: { readonly url: string; readonly server: Server; readonly signer: Signer } | undefined
afterAll(() => issuer?.server.close())

describeHost({
  name: 'fastify',
  async environment() {
    const signer = await newSigner('ES256', 'key-1')
    const { kty, crv, x, y, alg, kid, use } = signer.jwk
    const server = createServer((request, response) => {
      const answer = request.url?.startsWith('/.well-known/') ? { issuer: url, jwks_uri: `${url}/keys` } : { keys: [{ kty, crv, x, y, alg, kid, use }] }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    issuer = { url, server, signer }
    return { JWT_ISSUER: url, JWT_AUDIENCE: AUDIENCE }
  },
  async credentials() {
    const [nora, ned, sam] = await Promise.all([tokenOf('nora'), tokenOf('ned'), tokenOf('sam')])
    return { nora, ned, sam }
  },
  chat: { north: '/v1/orgs/north/chat', south: '/v1/orgs/south/projects/web/chat' },
  foreign: ['/v1/orgs/north/chat', '/v1/orgs/north/projects/web/chat', '/v1/orgs/south/projects/kiosk/chat'],
  total: { ask: 'Sum up all orders', output: { sum: 78 } },
  own: {
    path: '/accounts/count',
    init: { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' },
    answer: { asked: { a: 1 }, count: 2 },
  },
})

async function tokenOf(subject: string): Promise<{ authorization: string }> {
  if (!issuer) throw new Error('The issuer has not begun.')
  const { signer, url } = issuer
  const token = new SignJWT({}).setProtectedHeader({ alg: signer.alg, kid: signer.kid }).setIssuer(url).setAudience(AUDIENCE).setSubject(subject).setIssuedAt().setExpirationTime('5m')
  return { authorization: `Bearer ${await token.sign(signer.privateKey)}` }
}
