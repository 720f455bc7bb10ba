import { rmSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { authenticateOf } from '../../src/lib/cli/authenticate-of.ts'
import { explainError } from '../../src/lib/cli/explain-error.ts'
import { settingsOf } from '../../src/lib/cli/settings.ts'
import { newDirectory, readJson, startAmbit } from '../cli/ambit.ts'
import { checkedFetch } from '../support/check-answers.ts'
import { AUDIENCE, useIssuer } from '../support/issuer.ts'

const issuer = useIssuer()

const ISSUER = { AMBIT_JWT_ISSUER: 'https://issuer.test/', AMBIT_JWT_AUDIENCE: AUDIENCE }

test('name an issuer whole, or none', () => {
  expect(settingsOf({ AMBIT_JWT_ISSUER: ' ' }).jwt).toBeNull()
  expect(settingsOf(ISSUER).jwt).toEqual({ issuer: 'https://issuer.test/', audience: AUDIENCE, claims: {} })
  const all = { AMBIT_JWT_JWKS_URL: 'https://issuer.test/keys', AMBIT_JWT_SUBJECT_CLAIM: 'uid', AMBIT_JWT_ORG_CLAIM: 'org', AMBIT_JWT_PROJECT_CLAIM: 'project' }
  expect(settingsOf({ ...ISSUER, ...all }).jwt).toMatchObject({ jwksUrl: 'https://issuer.test/keys', claims: { subject: 'uid', org: 'org', project: 'project' } })
})

test.for<[environment: Record<string, string>, words: RegExp]>([
  [{ AMBIT_JWT_ISSUER: 'https://issuer.test' }, /^AMBIT_JWT_ISSUER is not enough: .+AMBIT_JWT_AUDIENCE/],
  [{ AMBIT_JWT_AUDIENCE: AUDIENCE }, /^AMBIT_JWT_AUDIENCE is not enough: .+AMBIT_JWT_ISSUER/],
  [{ AMBIT_JWT_ORG_CLAIM: 'org' }, /^AMBIT_JWT_ORG_CLAIM is not enough/],
  [{ ...ISSUER, AMBIT_JWT_JWKS_URL: 'hunter2' }, /^AMBIT_JWT_JWKS_URL is no URL/],
  [{ ...ISSUER, AMBIT_JWT_JWKS_URL: 'http://issuer.test/keys' }, /^AMBIT_JWT_…: jwksUrl must lead to an https URL/],
  [{ ...ISSUER, AMBIT_JWT_ISSUER: 'issuer' }, /^AMBIT_JWT_…: issuer must lead to an https URL/],
  [{ ...ISSUER, AMBIT_JWT_PROJECT_CLAIM: 'project' }, /^AMBIT_JWT_PROJECT_CLAIM needs AMBIT_JWT_ORG_CLAIM/],
])('%j is refused', ([environment, words]) => {
  let message = ''
  try {
    authenticateOf(settingsOf(environment))
  } catch (error) {
    message = explainError(error) ?? ''
  }
  expect(message).toMatch(words)
  expect(message).not.toContain('hunter2')
})

test('a server takes its people’s tokens beside their keys', { timeout: 90_000 }, async () => {
  const directory = newDirectory()
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const server = await startAmbit({
    AMBIT_DIRECTORY: directory, AMBIT_JWT_ISSUER: issuer.url, AMBIT_JWT_AUDIENCE: AUDIENCE, AMBIT_JWT_ORG_CLAIM: 'org_slug',
  })
  try {
    const statusOf = async (credential: string, org: string) =>
      (await checkedFetch(`${server.url}/v1/orgs/${org}/threads`, { headers: { authorization: `Bearer ${credential}` } })).status
    const { people } = readJson<{ people: { gus: { key: string } } }>(directory, 'demo.json')
    const token = await issuer.issue('ada')
    expect([await statusOf(token, 'acme'), await statusOf(token, 'globex'), await statusOf(people.gus.key, 'globex')]).toEqual([200, 404, 200])
    expect(await statusOf(await issuer.sign({ iss: issuer.url, aud: 'other', sub: 'ada', exp: 9_999_999_999 }), 'acme')).toBe(401)
  } finally {
    expect((await server.end('SIGTERM')).err).toContain('"reason":"wrong_audience"')
  }
})
