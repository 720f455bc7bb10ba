import { UnsecuredJWT } from 'jose'
import { createKey } from '../../../src/lib/identity/api-key.ts'
import type { OperatorSql } from '../../../src/lib/store/handles.ts'
import type { TestDatabase } from '../databases.ts'
import { AUDIENCE, OTHER_AUDIENCE, newSigner } from '../issuer.ts'
import type { Issuer } from '../issuer.ts'
import { must } from '../stage.ts'
import { newId } from '../world.ts'
import { PEOPLE, orgOf } from './facts.ts'
import type { Caller, Person } from './facts.ts'

export interface Callers {
  /** Credentials that are good, whatever they open. */
  readonly good: readonly Caller[]
  /** Those that are nobody's. */
  readonly bad: readonly Caller[]
}

/** API keys by `person@organisation`. */
export type Keys = Readonly<Record<string, string>>

/** Where everybody's key is for: a removed member's for what she was a member of. */
const KEYED: readonly (readonly [Person, string])[] = [
  ...Object.entries(PEOPLE).flatMap(([person, roles]) => [...new Set(Object.keys(roles).map(orgOf))].map((org) => [person as Person, org] as const)),
  ['rae', 'acme'],
]

export async function makeKeys(sql: OperatorSql, idOf: (place: string) => string): Promise<Keys> {
  const keys: Record<string, string> = {}
  for (const [person, org] of KEYED) keys[`${person}@${org}`] = await createKey(sql, { orgId: idOf(org), personId: person, expiresInDays: null }, newId)
  keys['expired'] = await createKey(sql, { orgId: idOf('acme'), personId: 'ada', expiresInDays: -1 }, newId)
  keys['revoked'] = await createKey(sql, { orgId: idOf('acme'), personId: 'ada', expiresInDays: null }, newId)
  return keys
}

export async function revoke(database: TestDatabase, key: string): Promise<void> {
  await database.superuser.transaction('', (sql) => sql.query('update ambit.api_keys set revoked_at = now() where prefix = $1', [prefixOf(key)]))
}

export async function makeCallers(keys: Keys, issuer: Issuer): Promise<Callers> {
  const token = await tokens(issuer)
  const keyed = (name: string): Caller => {
    const [person = '', org = ''] = name.split('@')
    return { name, person: person as Person, org, authorization: `Bearer ${must(keys[name])}` }
  }
  const nobody = (name: string, authorization: string | null): Caller => ({ name, person: null, org: null, authorization })
  const bob = must(keys['bob@acme'])
  return {
    good: [
      ...Object.keys(keys).filter((name) => name.includes('@')).map(keyed),
      { name: 'bob by token', person: 'bob', org: null, authorization: `Bearer ${await token.good('bob')}` },
      { name: 'both by token', person: 'both', org: null, authorization: `Bearer ${await token.good('both')}` },
    ],
    bad: [
      nobody('none', null),
      nobody('empty', ''),
      nobody('malformed', 'Bearer nonsense'),
      nobody('another scheme', `Basic ${Buffer.from(`bob:${bob}`).toString('base64')}`),
      nobody('two at once', `Bearer ${bob}, Bearer ${must(keys['gus@globex'])}`),
      nobody('expired key', `Bearer ${must(keys['expired'])}`),
      nobody('revoked key', `Bearer ${must(keys['revoked'])}`),
      nobody('unknown prefix', `Bearer ambit_${'A'.repeat(12)}_${'A'.repeat(43)}`),
      nobody('wrong secret', `Bearer ambit_${prefixOf(bob)}_${'A'.repeat(43)}`),
      nobody('the secret of another', `Bearer ambit_${prefixOf(bob)}_${must(keys['gus@globex']).slice(-43)}`),
      nobody('more than a key', `Bearer ${bob}x`),
      nobody('token: bad signature', `Bearer ${await token.forged()}`),
      nobody('token: alg none', `Bearer ${await token.unsigned()}`),
      nobody('token: other audience', `Bearer ${await token.good('ada', { aud: OTHER_AUDIENCE })}`),
      nobody('token: other issuer', `Bearer ${await token.good('ada', { iss: `${issuer.url}/` })}`),
      nobody('token: expired', `Bearer ${await token.good('ada', { exp: token.now - 600 })}`),
    ],
  }
}

async function tokens(issuer: Issuer) {
  const now = Math.floor(Date.now() / 1_000)
  const claims = (sub: Person) => ({ iss: issuer.url, aud: AUDIENCE, sub, iat: now, exp: now + 3_600 })
  return {
    now,
    good: (sub: Person, others: Readonly<Record<string, unknown>> = {}) => issuer.sign({ ...claims(sub), ...others }),
    forged: async () => issuer.sign(claims('ada'), {}, await newSigner('RS256', issuer.signer().kid)),
    unsigned: () => new UnsecuredJWT(claims('ada')).encode(),
  }
}

/** The public half of a key. */
function prefixOf(key: string): string {
  return key.slice('ambit_'.length, 'ambit_'.length + 12)
}
