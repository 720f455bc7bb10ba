import fc from 'fast-check'
import { CompactEncrypt, SignJWT, UnsecuredJWT, base64url, exportSPKI, importJWK } from 'jose'
import type { JWTHeaderParameters, JWTPayload } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { apiKeys, firstOf, jwt } from '../../src/index.ts'
import type { Ambit, Authenticate, JwtOptions } from '../../src/index.ts'
import { ACME, APOLLO, ZEPHYR, question, send } from '../support/client.ts'
import type { LogLine } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { AUDIENCE, OTHER_AUDIENCE, newSigner, useIssuer } from '../support/issuer.ts'
import type { Signer } from '../support/issuer.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { must, useStage } from '../support/stage.ts'

describe.each(databaseKinds.slice(0, 1))('a token of an issuer, on $name', (kind) => {
  const stage = useStage(kind)
  const issuer = useIssuer()
  let stranger: Signer
  beforeAll(async () => {
    // A key of somebody else, who gives it the name of the issuer's own.
    stranger = await newSigner('RS256', issuer.signer().kid)
  })

  const now = () => Math.floor(Date.now() / 1_000)
  const good = (): JWTPayload => ({ iss: issuer.url, aud: AUDIENCE, sub: 'bob', iat: now(), exp: now() + 600 })
  const sign = (claims: JWTPayload = {}, header: Partial<JWTHeaderParameters> = {}, signer?: Signer) => issuer.sign({ ...good(), ...claims }, header, signer)
  const without = (...names: string[]) => issuer.sign(Object.fromEntries(Object.entries(good()).filter(([name]) => !names.includes(name))))

  const scheme = (options: Partial<JwtOptions> = {}) => jwt({ issuer: issuer.url, audience: AUDIENCE, jwksUrl: issuer.jwksUrl, ...options })
  const start = (authenticate: Authenticate = scheme()) => stage.start({ model: scriptedModel(says('Hello.')), authenticate })
  const get = (ambit: Ambit, token: string, path = `${ACME}/threads`) =>
    send(ambit, stage.world, null, path, { headers: { authorization: `Bearer ${token}`, 'x-request-id': 'same' } })
  const statusOf = async (ambit: Ambit, token: string, path?: string) => (await get(ambit, token, path)).status
  const refusals = (lines: readonly LogLine[]) =>
    lines.flatMap(({ msg, reason, claim }) => (msg === 'credential refused' ? [{ reason, ...(claim !== undefined && { claim }) }] : []))

  describe('is accepted', () => {
    test('as an independent issuer gives it, and speaks for its subject', async () => {
      const { ambit } = start()
      const token = await issuer.issue('bob')
      expect(await (await get(ambit, token, '/v1/me')).json()).toMatchObject({ subject: 'bob', kind: 'person' })
      const answer = await send(ambit, stage.world, null, `${APOLLO}/chat`, { headers: { authorization: `Bearer ${token}` }, body: question('by-token', 'Hello!') })
      expect(answer.status).toBe(200)
      expect(await answer.text()).toContain('Hello.')
      // No more than the person may, whoever issued the token.
      expect(await statusOf(ambit, token, `${ZEPHYR}/threads`)).toBe(404)
      expect(await statusOf(ambit, token, '/v1/orgs/globex/threads')).toBe(404)
    })

    test.each(['RS256', 'ES256', 'EdDSA', 'PS256'])('signed with %s', async (alg) => {
      expect(await statusOf(start().ambit, await sign({}, { alg }))).toBe(200)
    })

    test('without a type or a time of issue, of either type, with several audiences, and with the word in any case', async () => {
      const { ambit } = start(scheme({ audience: [OTHER_AUDIENCE, AUDIENCE] }))
      const { typ: _, ...header } = { typ: '', alg: 'RS256', kid: issuer.signer().kid }
      const untyped = await new SignJWT(good()).setProtectedHeader(header).sign(issuer.signer().privateKey)
      const tokens = [untyped, await without('iat'), await sign({}, { typ: 'JWT' }), await sign({}, { typ: 'application/at+jwt' }), await sign({ aud: ['a', AUDIENCE] })]
      expect(await Promise.all(tokens.map((token) => statusOf(ambit, token)))).toEqual([200, 200, 200, 200, 200])
      const response = await send(ambit, stage.world, null, `${ACME}/threads`, { headers: { authorization: `bEARER  ${untyped}` } })
      expect(response.status).toBe(200)
    })

    test('while the clocks differ by less than the tolerance', async () => {
      const { ambit } = start()
      const within = [{ exp: now() - 15 }, { nbf: now() + 15 }, { iat: now() + 15 }]
      expect(await Promise.all(within.map(async (claims) => statusOf(ambit, await sign(claims))))).toEqual([200, 200, 200])
    })
  })

  describe('is refused, and outside all alike', () => {
    const pem = async () => new TextEncoder().encode(await exportSPKI((await importJWK(publicOf(issuer.signer()), 'RS256')) as CryptoKey))
    const publicOf = ({ jwk: { kty, n, e } }: Signer) => ({ kty: must(kty), n: must(n), e: must(e) })
    const tampered = async () => {
      const [header, , signature] = (await sign()).split('.')
      return [header, base64url.encode(JSON.stringify({ ...good(), sub: 'ada' })), signature].join('.')
    }

    test.for<[what: string, make: () => Promise<string>, refusal: { reason: string; claim?: string }]>([
      ['a foreign key under the name of a known one', () => sign({}, {}, stranger), { reason: 'bad_signature' }],
      ['a foreign key that it brings along', () => sign({}, { jwk: publicOf(stranger), jku: issuer.jwksUrl }, stranger), { reason: 'bad_signature' }],
      ['a key id that nobody knows', () => sign({}, { kid: 'nobody' }), { reason: 'unknown_key' }],
      ['other claims under a good signature', tampered, { reason: 'bad_signature' }],
      ['no signature', async () => new UnsecuredJWT(good()).encode(), { reason: 'algorithm_not_allowed' }],
      ['the public key as a shared secret', async () => new SignJWT(good()).setProtectedHeader({ alg: 'HS256', kid: issuer.signer().kid }).sign(await pem()), { reason: 'algorithm_not_allowed' }],
      ['an algorithm that is not on the list', async () => sign({}, {}, await newSigner('RS512', 'x')), { reason: 'algorithm_not_allowed' }],
      ['an extension that must be understood', () => sign({}, { crit: ['urn:x'], 'urn:x': 1 }), { reason: 'not_supported' }],
      ['another audience', () => issuer.issue('bob', OTHER_AUDIENCE), { reason: 'wrong_audience', claim: 'aud' }],
      ['no audience', () => without('aud'), { reason: 'missing_claim', claim: 'aud' }],
      ['another issuer', () => sign({ iss: `${issuer.url}/` }), { reason: 'wrong_issuer' }],
      ['no issuer', () => without('iss'), { reason: 'wrong_issuer' }],
      ['its time over', () => sign({ exp: now() - 45 }), { reason: 'expired' }],
      ['its time not come', () => sign({ nbf: now() + 45 }), { reason: 'not_yet_valid', claim: 'nbf' }],
      ['a time of issue in the future', () => sign({ iat: now() + 45 }), { reason: 'not_yet_valid', claim: 'iat' }],
      ['no end', () => without('exp'), { reason: 'missing_claim', claim: 'exp' }],
      ['an end that is no number', () => sign({ exp: '9999999999' as unknown as number }), { reason: 'bad_claim', claim: 'exp' }],
      ['a type that is no access token', () => sign({}, { typ: 'logout+jwt' }), { reason: 'wrong_type' }],
      ['no subject', () => without('sub'), { reason: 'missing_claim', claim: 'sub' }],
      ['a subject that is no id', () => sign({ sub: 'auth0|bob' }), { reason: 'bad_claim', claim: 'sub' }],
      ['a subject that is no text', () => sign({ sub: ['bob'] as unknown as string }), { reason: 'bad_claim', claim: 'sub' }],
      ['more than 8 KB', () => sign({ filling: 'x'.repeat(7_000) }), { reason: 'too_large' }],
      ['encryption', async () => new CompactEncrypt(new Uint8Array(9)).setProtectedHeader({ alg: 'dir', enc: 'A128GCM' }).encrypt(new Uint8Array(16)), { reason: 'malformed' }],
      ['garbage', async () => 'garbage', { reason: 'malformed' }],
      ['three parts of garbage', async () => 'e30.e30.e30', { reason: 'wrong_issuer' }],
    ])('%s', async ([, make, refusal]) => {
      const { ambit, lines } = start()
      const token = await make()
      const [refused, nothing] = [await get(ambit, token), await get(ambit, '')]
      expect(refused.status).toBe(401)
      expect(await refused.text()).toBe(await nothing.text())
      expect([...refused.headers]).toEqual([...nothing.headers])
      expect(refusals(lines)).toEqual([refusal, { reason: 'absent' }])
      for (const part of token.split('.').filter((one) => one.length > 10)) expect(JSON.stringify(lines)).not.toContain(part)
      expect(JSON.stringify(lines)).not.toContain('auth0|bob')
    })

    test('the same on every route, the chat with its body too', async () => {
      const { ambit } = start()
      const expired = await sign({ exp: now() - 45 })
      const chat = await send(ambit, stage.world, null, `${APOLLO}/chat`, { headers: { authorization: `Bearer ${expired}` }, body: question('x', 'Hello!') })
      expect([chat.status, await statusOf(ambit, expired, '/v1/me'), await statusOf(ambit, expired, `${APOLLO}/runs`)]).toEqual([401, 401, 401])
    })

    test('whatever anybody writes: never a fault, and never let in', async () => {
      const { ambit, lines } = start()
      const token = await sign()
      const [, body = ''] = token.split('.')
      const text = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 60 })
      const header = fc.json().map((value) => `${base64url.encode(value)}.${body}.AAAA`)
      const named = fc.record({ alg: fc.constantFrom('RS256', 'ES256', 'EdDSA', 'none', 'HS256', '', 5), kid: fc.oneof(fc.constant(issuer.signer().kid), fc.jsonValue()), typ: fc.jsonValue() })
      const cut = fc.nat(token.length - 1).map((at) => token.slice(0, at))
      await fc.assert(
        fc.asyncProperty(fc.oneof(text, text.map((one) => `${one}.${body}.${one}`), header, named.map((one) => `${base64url.encode(JSON.stringify(one))}.${body}.AAAA`), cut), async (written) => {
          expect(await statusOf(ambit, written)).toBe(401)
        }),
        { numRuns: 500 },
      )
      expect(lines.filter(({ msg }) => msg === 'request failed' || msg === 'credential not checked')).toEqual([])
      expect(await statusOf(ambit, token)).toBe(200)
    })
  })

  describe('and its claims', () => {
    test('open one organisation where one is named, whatever else its person is in', async () => {
      const { ambit, lines } = start(scheme({ claims: { org: 'org_slug' } }))
      expect(await statusOf(ambit, await issuer.issue('bob'))).toBe(200)
      expect(await statusOf(ambit, await sign({ org_slug: 'globex' }))).toBe(404)
      // What narrows must be there: its absence is no pass for all.
      expect([await statusOf(ambit, await sign()), await statusOf(ambit, await sign({ org_slug: ['acme'] }))]).toEqual([401, 401])
      expect(refusals(lines)).toEqual([{ reason: 'missing_claim', claim: 'org_slug' }, { reason: 'bad_claim', claim: 'org_slug' }])
      expect(await (await get(ambit, await issuer.issue('bob'), '/v1/me')).json()).toMatchObject({ memberships: [{ org: 'acme', project: null, role: 'member' }] })
    })

    test('open one project where one is named, and not its organisation', async () => {
      const { ambit } = start(scheme({ claims: { org: 'org_slug', project: 'project_slug' } }))
      const token = await sign({ sub: 'ada', org_slug: 'acme', project_slug: 'zephyr' })
      const places = [`${ZEPHYR}/threads`, `${APOLLO}/threads`, `${ACME}/threads`, '/v1/orgs/globex/projects/apollo/threads']
      expect(await Promise.all(places.map((path) => statusOf(ambit, token, path)))).toEqual([200, 404, 404, 404])
      expect(await (await get(ambit, token, '/v1/me')).json()).toMatchObject({ memberships: [{ org: 'acme', project: 'zephyr' }] })
      const narrowed = await sign({ sub: 'ada', org_slug: 'acme', project_slug: 'apollo' })
      expect(await (await get(ambit, narrowed, '/v1/me')).json()).toMatchObject({ memberships: [] })
      expect(await statusOf(ambit, await sign({ sub: 'ada', org_slug: 'acme' }), `${ZEPHYR}/threads`)).toBe(401)
    })

    test('a claim that a function names and the token does not hold opens nothing', async () => {
      const { ambit } = start(scheme({ claims: ({ sub, org_slug: org }) => ({ subject: String(sub), kind: 'person', claims: { org } }) }))
      expect([await statusOf(ambit, await sign()), await statusOf(ambit, await sign({ org_slug: 'acme' }))]).toEqual([404, 200])
    })

    test('without its organisation a project opens nothing, though a host’s principal says so', async () => {
      const { ambit } = start(async () => ({ subject: 'ada', kind: 'person', claims: { project: 'apollo' } }))
      expect([await statusOf(ambit, 'x', `${APOLLO}/threads`), await statusOf(ambit, 'x')]).toEqual([404, 404])
    })

    test('name another subject, and a service', async () => {
      const { ambit } = start(scheme({ claims: { subject: 'username', kind: 'is' } }))
      expect(await (await get(ambit, await sign({ sub: 'auth0|1', username: 'bob', is: 'service' }), '/v1/me')).json()).toMatchObject({ subject: 'bob', kind: 'service' })
      expect(await statusOf(ambit, await sign({ username: 'bob', is: 'admin' }))).toBe(401)
      expect(await statusOf(ambit, await sign({ is: 'person' }))).toBe(401)
    })

    test('are stored with a run only where they are named', async () => {
      const { ambit } = start(scheme({ claims: { org: 'org_slug', copy: ['team', 'absent'] } }))
      const response = await send(ambit, stage.world, null, `${APOLLO}/chat`, {
        headers: { authorization: `Bearer ${await issuer.issue('bob')}` }, body: question('claims', 'Hello!'),
      })
      const run = response.headers.get('x-resumable-stream-id')
      await response.text()
      const { rows } = await stage.database.superuser.transaction('', (sql) => sql.query<{ principal: string }>('select principal from ambit.runs where id = $1', [run]))
      expect(JSON.parse(must(rows[0]).principal)).toEqual({ subject: 'bob', kind: 'person', claims: { team: 'launch', org: 'acme' } })
    })

    test('nested too deeply are not copied', async () => {
      const { ambit, lines } = start(scheme({ claims: { copy: ['deep'] } }))
      const deep: unknown = JSON.parse('['.repeat(65) + ']'.repeat(65))
      expect([await statusOf(ambit, await sign({ deep })), await statusOf(ambit, await sign({ deep: ['shallow'] }))]).toEqual([401, 200])
      expect(refusals(lines)).toEqual([{ reason: 'bad_claim', claim: 'deep' }])
    })

    test('go through a function of the host’s, which may refuse', async () => {
      const { ambit, lines } = start(scheme({ claims: ({ sub, team }) => (team === 'launch' ? { subject: `${String(sub)}`, kind: 'person' } : null) }))
      expect([await statusOf(ambit, await issuer.issue('bob')), await statusOf(ambit, await sign()), await statusOf(ambit, await sign({ team: 'launch', sub: 'a b' }))]).toEqual([200, 401, 401])
      expect(refusals(lines)).toEqual([{ reason: 'not_mapped' }, { reason: 'bad_subject' }])
    })

    test('name the target where the host lets them', async () => {
      const { ambit } = stage.start({
        model: scriptedModel(says('Hello.')),
        authenticate: scheme({ claims: { org: 'org_slug', project: 'project_slug' } }),
        target: async (_, { claims }) => ({ org: String(claims?.['org']), project: String(claims?.['project']) }),
      })
      expect([
        await statusOf(ambit, await sign({ org_slug: 'acme', project_slug: 'apollo' }), '/threads'),
        await statusOf(ambit, await sign({ org_slug: 'acme', project_slug: 'zephyr' }), '/threads'),
      ]).toEqual([200, 404])
    })
  })

  describe('beside other schemes', () => {
    const anybody: Authenticate = async () => ({ subject: 'bob', kind: 'person' })

    test('keys and tokens each find their own, in either order', async () => {
      for (const authenticate of [firstOf(apiKeys(), scheme()), firstOf(scheme(), apiKeys())]) {
        const { ambit } = start(authenticate)
        expect([await statusOf(ambit, stage.world.keys.bob), await statusOf(ambit, await issuer.issue('bob')), await statusOf(ambit, 'x')]).toEqual([200, 200, 401])
      }
    })

    test('what one refuses is offered to no other', async () => {
      const { ambit, lines } = start(firstOf(apiKeys(), scheme(), anybody))
      const forged = await sign({}, {}, stranger)
      expect([await statusOf(ambit, forged), await statusOf(ambit, 'ambit_mistyped'), await statusOf(ambit, `${stage.world.keys.bob.slice(0, -1)}!`)]).toEqual([401, 401, 401])
      expect(refusals(lines).map(({ reason }) => reason)).toEqual(['bad_signature', 'malformed', 'malformed'])
    })

    test('what is none of theirs goes on, also by a host’s null', async () => {
      const { ambit } = start(firstOf(apiKeys(), async () => null, scheme(), anybody))
      expect([await statusOf(ambit, 'x'), await statusOf(ambit, await sign({ iss: 'https://other.test' }))]).toEqual([200, 200])
    })

    test('two issuers are told apart by what their tokens say', async () => {
      const other = jwt({ issuer: 'https://other.test', audience: AUDIENCE, jwksUrl: issuer.jwksUrl })
      const { ambit, lines } = start(firstOf(other, scheme()))
      expect([await statusOf(ambit, await sign()), await statusOf(ambit, await sign({ iss: 'https://other.test' })), await statusOf(ambit, await sign({ iss: 'https://third.test' }))]).toEqual([200, 200, 401])
      expect(refusals(lines)).toEqual([{ reason: 'wrong_issuer' }])
    })

    test('a host’s own null is 401', async () => {
      const { ambit, lines } = start(async () => null)
      expect(await statusOf(ambit, 'x')).toBe(401)
      expect(refusals(lines)).toEqual([{ reason: 'not_recognised' }])
    })
  })
})

describe('jwt() is refused where it is made', () => {
  const good: JwtOptions = { issuer: 'https://issuer.test', audience: AUDIENCE, jwksUrl: 'https://issuer.test/keys' }
  const wrong = (options: Record<string, unknown>) => ({ ...good, ...options }) as JwtOptions

  test.for<[what: string, options: JwtOptions, words: RegExp]>([
    ['without an issuer', wrong({ issuer: undefined }), /issuer/],
    ['with an empty issuer', wrong({ issuer: '' }), /issuer/],
    ['without an audience', wrong({ audience: undefined }), /audience/],
    ['with an empty audience', wrong({ audience: '' }), /audience/],
    ['with no audiences', wrong({ audience: [] }), /audience/],
    ['with an empty one among its audiences', wrong({ audience: [AUDIENCE, ''] }), /audience/],
    ['with tokens that nobody signed', wrong({ algorithms: ['none'] }), /algorithms/],
    ['with a shared secret', wrong({ algorithms: ['RS256', 'HS256'] }), /algorithms/],
    ['without algorithms', wrong({ algorithms: [] }), /algorithms/],
    ['with a tolerance of more than 5 minutes', wrong({ clockToleranceS: 301 }), /clockToleranceS/],
    ['with a tolerance below 0', wrong({ clockToleranceS: -1 }), /clockToleranceS/],
    ['with a tolerance that is no number', wrong({ clockToleranceS: Number.NaN }), /clockToleranceS/],
    ['with keys by plain HTTP', wrong({ jwksUrl: 'http://issuer.test/keys' }), /jwksUrl .*https/],
    ['with keys from a name that only begins like this machine', wrong({ jwksUrl: 'http://localhost.issuer.test/keys' }), /jwksUrl/],
    ['with keys from a file', wrong({ jwksUrl: 'file:///keys' }), /jwksUrl/],
    ['with a password in the URL', wrong({ jwksUrl: 'https://user:hunter2@issuer.test/keys' }), /^jwksUrl (?!.*hunter2)/],
    ['without keys, where the issuer is no URL', wrong({ jwksUrl: undefined, issuer: 'issuer' }), /issuer must lead to an https URL/],
    ['with a project of no organisation', wrong({ claims: { project: 'p' } }), /claims\.org/],
    ['with an organisation that is copied where it is there', wrong({ claims: { copy: ['org'] } }), /claims\.copy/],
  ])('%s', ([, options, words]) => {
    expect(() => jwt(options)).toThrow(words)
  })

  test('and else is made without asking anybody', () => {
    for (const jwksUrl of ['http://localhost:1/keys', 'http://127.0.0.1:1/keys', 'http://[::1]:1/keys', 'https://issuer.test/keys']) {
      expect(jwt({ ...good, jwksUrl, clockToleranceS: 300, algorithms: ['ES512'] })).toBeTypeOf('function')
    }
  })
})
