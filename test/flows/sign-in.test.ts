import { describe, expect, test } from 'vitest'
import { apiKeys, firstOf, signedIn } from '../../src/index.ts'
import type { Ambit } from '../../src/index.ts'
import { createKey } from '../../src/lib/identity/api-key.ts'
import { revokeKey } from '../../src/lib/store/key-rows.ts'
import { cookieOf, signInWith, visit } from '../support/browser.ts'
import type { Visit } from '../support/browser.ts'
import { ACME, APOLLO, question } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { answerOf } from '../support/exchange.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, must, useStage } from '../support/stage.ts'
import { newId } from '../support/world.ts'

const COOKIE = /^ambit_signed_in=[A-Za-z0-9_-]{43}$/
const WEEK_S = 7 * 24 * 60 * 60

describe.each(databaseKinds)('signing in on $name', (kind) => {
  const stage = useStage(kind)
  const start = (more: Partial<Parameters<typeof stage.start>[0]> = {}) =>
    stage.start({ model: scriptedModel(says('Hello.')), authenticate: firstOf(apiKeys(), signedIn()), ...more })
  const keyOf = (person: string, expiresInDays: number | null = null) =>
    stage.database.handles.operator((sql) => createKey(sql, { orgId: must(stage.world.ids['acme']), personId: person, expiresInDays }, newId))
  const revoke = (key: string) => stage.database.handles.operator((sql) => revokeKey(sql, key.slice(6, 18)))
  const behind = <Row extends object = object>(text: string, values: readonly unknown[] = []) =>
    stage.database.superuser.transaction('', (sql) => sql.query<Row>(text, values))
  const signInsOf = async (key: string) =>
    (await behind<{ created: number; used: number; ends: number }>(
      `select extract(epoch from now() - s.created_at)::float8 as created, extract(epoch from now() - s.used_at)::float8 as used, extract(epoch from s.ends_at - now())::float8 as ends
       from ambit.sign_ins s join ambit.api_keys k on k.id = s.key_id where k.prefix = $1`, [key.slice(6, 18)],
    )).rows
  const move = (key: string, change: string) =>
    behind(`update ambit.sign_ins s set ${change} from ambit.api_keys k where k.id = s.key_id and k.prefix = $1`, [key.slice(6, 18)])
  const threads = async (ambit: Ambit, cookie: string | null, path = APOLLO, how: Visit = {}) => (await visit(ambit, `${path}/threads`, { cookie, ...how })).status

  test('a key is exchanged for a cookie, and answered as GET /v1/me', async () => {
    const { ambit } = start()
    const answer = await visit(ambit, '/v1/sign-in', { method: 'POST', body: { key: stage.world.keys.bob } })
    expect(answer.status).toBe(200)
    const cookie = cookieOf(answer)
    expect(cookie).toMatch(COOKIE)
    expect(answer.headers.get('set-cookie')).toBe(`${cookie}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict`)
    const me = await visit(ambit, '/v1/me', { headers: { authorization: `Bearer ${stage.world.keys.bob}` } })
    const byKey = await me.text()
    expect(await answer.text()).toBe(byKey)
    expect(await (await visit(ambit, '/v1/me', { cookie })).text()).toBe(byKey)
  })

  test('who signed in is who the key is: to the scope, to a run and to its record', async () => {
    const { ambit } = start()
    const key = await keyOf('bob')
    const cookie = await signInWith(ambit, key)
    const ask = async (how: Visit) => {
      const response = await visit(ambit, `${APOLLO}/chat`, { method: 'POST', body: question(freshThread(), 'Hello?'), ...how })
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('Hello.')])
      return must(response.headers.get('x-resumable-stream-id'))
    }
    const runs = [await ask({ cookie }), await ask({ headers: { authorization: `Bearer ${key}` } })]
    const { rows } = await behind<{ principal: string }>('select principal from ambit.runs where id = any($1)', [runs])
    expect(rows).toHaveLength(2)
    expect(rows[0]).toEqual(rows[1])
  })

  test('a cookie opens what its key opens, and answers elsewhere what the key is answered', async () => {
    const { ambit } = start()
    for (const who of ['gus', 'erin', 'dave'] as const) {
      const cookie = await signInWith(ambit, stage.world.keys[who])
      for (const path of [APOLLO, ACME, '/v1/orgs/acme/projects/zephyr', '/v1/orgs/globex', '/v1/orgs/never']) {
        const [byCookie, byKey] = [{ cookie }, { headers: { authorization: `Bearer ${stage.world.keys[who]}` } }].map(async (how) => answerOf(await visit(ambit, `${path}/threads`, how)))
        expect([who, path, await byCookie]).toEqual([who, path, await byKey])
      }
    }
    expect(await threads(ambit, await signInWith(ambit, stage.world.keys.gus))).toBe(404)
  })

  test('a key that is not good is one 401, and no cookie, whatever is wrong with it', async () => {
    const { ambit, lines } = start()
    const [revoked, expired, good] = [await keyOf('bob'), await keyOf('bob', -1), stage.world.keys.bob]
    await revoke(revoked)
    const wrong = ['', 'nonsense', `Bearer ${good}`, `${good}x`, ` ${good}`, `ambit_${'A'.repeat(12)}_${'A'.repeat(43)}`, `${good.slice(0, 19)}${'A'.repeat(43)}`, revoked, expired]
    const answers = await Promise.all(wrong.map(async (key) => answerOf(await visit(ambit, '/v1/sign-in', { method: 'POST', body: { key } }))))
    expect(answers[0]?.status).toBe(401)
    expect(answers[0]?.headers).not.toHaveProperty('set-cookie')
    // And the same as for a request without any.
    expect(answers[0]).toEqual(await answerOf(await visit(ambit, '/v1/me')))
    for (const answer of answers) expect(answer).toEqual(answers[0])
    const reasons = new Set(lines.filter(({ msg }) => msg === 'credential refused').map(({ reason }) => reason))
    expect(reasons).toEqual(new Set(['absent', 'malformed', 'unknown', 'wrong_secret', 'revoked', 'expired']))
  })

  test('a body that holds no key is refused before it is looked at', async () => {
    const { ambit } = start()
    const bodies = [undefined, {}, 42, { key: 5 }, { key: ['x'] }, { key: 'x'.repeat(201) }, { key: 'x', more: 'x'.repeat(200_000) }]
    const statuses = await Promise.all(bodies.map(async (body) => (await visit(ambit, '/v1/sign-in', { method: 'POST', body })).status))
    expect(statuses).toEqual([400, 400, 400, 400, 400, 400, 413])
  })

  test('the cookie goes over https only where the request came so, or where the host says so, and to where Ambit is mounted', async () => {
    const given = async (options: Parameters<typeof signedIn>[0], url: string, basePath = '') => {
      const { ambit } = start({ authenticate: signedIn(options), basePath })
      const answer = await visit(ambit, `${url}${basePath}/v1/sign-in`, { method: 'POST', body: { key: stage.world.keys.bob }, headers: { 'x-forwarded-proto': 'https', forwarded: 'proto=https' } })
      const taken = await visit(ambit, `${url}${basePath}/v1/sign-in`, { method: 'DELETE' })
      return [answer, taken].map(({ headers }) => (headers.get('set-cookie') ?? '').replace(/=[^;]*/, '').replace(/; Max-Age=\d+; HttpOnly; SameSite=Strict/, ''))
    }
    expect(await given({}, 'https://ambit.test')).toEqual(Array(2).fill('ambit_signed_in; Path=/; Secure'))
    expect(await given({}, 'http://ambit.test')).toEqual(Array(2).fill('ambit_signed_in; Path=/'))
    expect(await given({ secureCookie: true }, 'http://ambit.test', '/api')).toEqual(Array(2).fill('ambit_signed_in; Path=/api; Secure'))
    expect(await given({ secureCookie: false }, 'https://ambit.test')).toEqual(Array(2).fill('ambit_signed_in; Path=/'))
  })

  test('signing out ends it: the cookie is taken away, and nobody’s when it is sent again', async () => {
    const { ambit } = start()
    const key = await keyOf('bob')
    const cookie = await signInWith(ambit, key)
    expect([await threads(ambit, cookie), (await signInsOf(key)).length]).toEqual([200, 1])
    const out = await visit(ambit, '/v1/sign-in', { method: 'DELETE', cookie })
    expect([out.status, out.headers.get('set-cookie')]).toEqual([204, 'ambit_signed_in=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict'])
    expect([await threads(ambit, cookie), (await signInsOf(key)).length]).toEqual([401, 0])
    for (const again of [cookie, null, 'ambit_signed_in=', 'other=1']) expect((await visit(ambit, '/v1/sign-in', { method: 'DELETE', cookie: again })).status).toBe(204)
  })

  test('signing in again is in place of what was there, as somebody else, too; a key that is not good changes nothing', async () => {
    const { ambit } = start()
    const [bobs, adas] = [await keyOf('bob'), await keyOf('ada')]
    const first = await signInWith(ambit, bobs)
    expect((await visit(ambit, '/v1/sign-in', { method: 'POST', body: { key: 'nonsense' }, cookie: first })).status).toBe(401)
    expect(await threads(ambit, first)).toBe(200)
    const second = await signInWith(ambit, adas, { cookie: first })
    expect([await threads(ambit, first), await threads(ambit, second), (await signInsOf(bobs)).length]).toEqual([401, 200, 0])
    expect(await (await visit(ambit, '/v1/me', { cookie: second })).json()).toMatchObject({ subject: 'ada' })
  })

  test('a key takes its sign-ins along when it is revoked or expires, at once and on every node', async () => {
    const [one, other] = [start().ambit, start().ambit]
    const [revoked, expired, kept] = [await keyOf('bob'), await keyOf('bob'), await keyOf('bob')]
    const cookies = [await signInWith(one, revoked), await signInWith(one, expired), await signInWith(one, kept)]
    const seen = async (ambit: Ambit) => Promise.all(cookies.map((cookie) => threads(ambit, cookie)))
    expect([await seen(one), await seen(other)]).toEqual([[200, 200, 200], [200, 200, 200]])
    await revoke(revoked)
    await behind('update ambit.api_keys set expires_at = now() where prefix = $1', [expired.slice(6, 18)])
    expect([await seen(one), await seen(other)]).toEqual([[401, 401, 200], [401, 401, 200]])
  })

  test('it ends a week after its last use and a month after its beginning; a use is written once an hour', async () => {
    const { ambit } = start()
    const key = await keyOf('bob')
    const cookie = await signInWith(ambit, key)
    const [fresh] = await signInsOf(key)
    expect(must(fresh).ends).toBeGreaterThan(WEEK_S - 60)
    expect(must(fresh).ends).toBeLessThanOrEqual(WEEK_S)

    await move(key, "created_at = now() - interval '2 days', used_at = now() - interval '59 minutes', ends_at = now() + interval '1 day'")
    expect(await threads(ambit, cookie)).toBe(200)
    expect(must((await signInsOf(key))[0]).used).toBeGreaterThan(59 * 60 - 1)
    await move(key, "used_at = now() - interval '61 minutes'")
    await behind('update ambit.api_keys set last_used_at = null where prefix = $1', [key.slice(6, 18)])
    expect(await threads(ambit, cookie)).toBe(200)
    const [used] = await signInsOf(key)
    expect([must(used).used < 60, must(used).ends > WEEK_S - 60]).toEqual([true, true])
    const { rows } = await behind<{ known: boolean }>('select last_used_at is not null as known from ambit.api_keys where prefix = $1', [key.slice(6, 18)])
    expect(rows).toEqual([{ known: true }])

    // Nearly a month old: what is left of it, and not a week.
    await move(key, "created_at = now() - interval '29 days', used_at = now() - interval '2 hours'")
    expect(await threads(ambit, cookie)).toBe(200)
    expect(Math.round(must((await signInsOf(key))[0]).ends / 3_600)).toBe(24)

    await move(key, "used_at = now() - interval '2 hours', ends_at = now()")
    const ended = await answerOf(await visit(ambit, `${APOLLO}/threads`, { cookie }))
    expect(ended).toEqual(await answerOf(await visit(ambit, `${APOLLO}/threads`)))
    expect(ended.status).toBe(401)
    expect(must((await signInsOf(key))[0]).used).toBeGreaterThan(60) // and a try is no use
  })

  test('what is over goes when somebody signs in, and a key has fifty at most', async () => {
    const { ambit } = start()
    const [old, key] = [await keyOf('bob'), await keyOf('bob')]
    await signInWith(ambit, old)
    await move(old, "ends_at = now() - interval '1 second'")
    const first = await signInWith(ambit, key)
    expect((await signInsOf(old)).length).toBe(0)
    await behind(
      `insert into ambit.sign_ins (org_id, key_id, hash, used_at, ends_at)
       select k.org_id, k.id, decode(md5(n::text), 'hex'), now() - n * interval '1 minute', now() + interval '1 day' from ambit.api_keys k, generate_series(1, 60) n where k.prefix = $1`,
      [key.slice(6, 18)],
    )
    const last = await signInWith(ambit, key)
    expect((await signInsOf(key)).length).toBe(50)
    // Those that were used longest ago have made room.
    expect([await threads(ambit, first), await threads(ambit, last)]).toEqual([200, 200])
  })

  test('an Authorization header decides, whatever the cookie is', async () => {
    const { ambit } = start()
    const cookie = await signInWith(ambit, stage.world.keys.gus)
    const me = async (authorization: string) => visit(ambit, '/v1/me', { cookie, headers: { authorization } })
    expect(await (await me(`Bearer ${stage.world.keys.bob}`)).json()).toMatchObject({ subject: 'bob' })
    for (const bad of ['Bearer nonsense', 'Basic Ym9iOng=', `Bearer ${stage.world.keys.bob}x`, '']) expect([bad, (await me(bad)).status]).toEqual([bad, 401])
  })

  test('a cookie of another Ambit beside it is passed over; of two that are good, nobody is believed', async () => {
    const { ambit, lines } = start()
    const [bob, gus] = [await signInWith(ambit, stage.world.keys.bob), await signInWith(ambit, stage.world.keys.gus)]
    const foreign = `ambit_signed_in=${'x'.repeat(43)}`
    expect([await threads(ambit, `${foreign}; ${bob}`), await threads(ambit, `${bob}; ${foreign}`), await threads(ambit, `${bob}; ${bob}`)]).toEqual([200, 200, 200])
    expect([await threads(ambit, `${gus}; ${bob}`), await threads(ambit, `${bob}; ${gus}`), await threads(ambit, foreign)]).toEqual([401, 401, 401])
    expect(lines.filter(({ msg }) => msg === 'credential refused').map(({ reason }) => reason)).toEqual(['ambiguous', 'ambiguous', 'unknown'])
    // Signing out, or in, clears up all of them.
    await signInWith(ambit, stage.world.keys.bob, { cookie: `${gus}; ${bob}` })
    expect([await threads(ambit, bob), await threads(ambit, gus, '/v1/orgs/globex')]).toEqual([401, 401])
  })

  const NO_COOKIES = [
    'ambit_signed_in=', 'ambit_signed_in', `ambit_signed_in=${'x'.repeat(42)}`, `ambit_signed_in=${'x'.repeat(44)}`, `ambit_signed_in="${'x'.repeat(43)}"`, `Ambit_Signed_In=${'x'.repeat(43)}`,
    `xambit_signed_in=${'x'.repeat(43)}`, ';;;', '=', `ambit_signed_in=${'%41'.repeat(43)}`, Array.from({ length: 500 }, (_, at) => `ambit_signed_in=${String(at).padStart(43, 'x')}`).join('; '),
  ]

  test('whatever else stands in a cookie is nobody’s, and no fault', async () => {
    const { ambit, lines } = start()
    const crowd = Array.from({ length: 4 }, (_, at) => `ambit_signed_in=${String(at).padStart(43, 'x')}`)
    const cookies = [...NO_COOKIES, [...crowd, await signInWith(ambit, stage.world.keys.bob)].join('; ')]
    for (const cookie of cookies) expect([cookie, await threads(ambit, cookie)]).toEqual([cookie, 401])
    expect(lines.filter(({ level }) => Number(level) > 30)).toEqual([])
  })

  describe('a page that is not of this origin', () => {
    type Sent = Readonly<Record<string, string | null>>
    const QUIET = { origin: null }
    const READS: readonly (readonly [what: string, headers: Sent, taken: boolean])[] = [
      ['of this origin', { 'sec-fetch-site': 'same-origin' }, true],
      ['typed into the address bar', { 'sec-fetch-site': 'none' }, true],
      ['of another port, or a sister domain', { 'sec-fetch-site': 'same-site' }, false],
      ['of another site', { 'sec-fetch-site': 'cross-site' }, false],
      ['of another site, that lies about its origin', { 'sec-fetch-site': 'cross-site', origin: 'http://ambit.test' }, false],
      ['of something unknown', { 'sec-fetch-site': '' }, false],
      ['of this origin, without the header', { origin: 'http://ambit.test' }, true],
      ['of another origin, without the header', { origin: 'http://evil.test' }, false],
      ['of another port, without the header', { origin: 'http://ambit.test:8080' }, false],
      ['of a name that begins like this one', { origin: 'http://ambit.test.evil.test' }, false],
      ['in a sandbox', { origin: 'null' }, false],
      ['that says nothing of itself', QUIET, true],
      ['that is asked for by another name', { origin: 'http://ambit.test', host: 'evil.test' }, false],
    ]
    /** What is not taken of a page that writes, though it is of one that reads. */
    const NOT_WRITTEN = ['typed into the address bar', 'that says nothing of itself']

    test('reads nothing', async () => {
      const { ambit, lines } = start()
      const cookie = await signInWith(ambit, stage.world.keys.bob)
      const nobody = await answerOf(await visit(ambit, `${APOLLO}/threads`))
      for (const [what, headers, taken] of READS) {
        const answer = await answerOf(await visit(ambit, `${APOLLO}/threads`, { cookie, headers }))
        expect([what, taken ? answer.status : answer]).toEqual([what, taken ? 200 : nobody])
      }
      const reasons = lines.flatMap(({ msg, reason }) => (msg === 'credential refused' && reason !== 'absent' ? [reason] : []))
      expect(reasons).toEqual(READS.filter(([, , taken]) => !taken).map(() => 'cross_origin'))
    })

    test('writes nothing, and signs nobody in or out', async () => {
      const { ambit } = start()
      for (const [what, headers, read] of READS) {
        const taken = read && !NOT_WRITTEN.includes(what)
        const [key, other] = [await keyOf('ada'), await keyOf('bob')]
        const cookie = await signInWith(ambit, key)
        const sent = { ...QUIET, ...headers }
        const changed = await visit(ambit, `${ACME}/settings`, { method: 'PATCH', body: { ai_enabled: true }, cookie, headers: sent })
        const asked = await visit(ambit, `${ACME}/chat`, { method: 'POST', body: question(freshThread(), 'Hello?'), cookie, headers: sent })
        await asked.text()
        expect([what, changed.status, asked.status]).toEqual([what, ...(taken ? [200, 200] : [401, 401])])
        const signed = await visit(ambit, '/v1/sign-in', { method: 'POST', body: { key: other }, cookie, headers: sent })
        expect([what, signed.status, cookieOf(signed) !== '', (await signInsOf(other)).length]).toEqual([what, ...(taken ? [200, true, 1] : [403, false, 0])])
        const again = taken ? cookieOf(signed) : cookie
        const out = await visit(ambit, '/v1/sign-in', { method: 'DELETE', cookie: again, headers: sent })
        expect([what, out.status, await threads(ambit, again)]).toEqual([what, ...(taken ? [204, 401] : [403, 200])])
      }
    })
  })

  test('a host that has not asked for it has no such way in', async () => {
    const { ambit } = start()
    const cookie = await signInWith(ambit, stage.world.keys.bob)
    const without = start({ authenticate: firstOf(apiKeys(), async () => null) }).ambit
    const nowhere = await answerOf(await visit(without, '/v1/nowhere'))
    for (const how of [{ method: 'POST', body: { key: stage.world.keys.bob } }, { method: 'POST', body: 42 }, { method: 'DELETE', cookie }]) {
      expect(await answerOf(await visit(without, '/v1/sign-in', how))).toEqual(nowhere)
    }
    expect(await threads(without, cookie)).toBe(401)
    expect(await threads(ambit, cookie)).toBe(200)
  })

  test('no line of the log holds a key, a cookie or what is kept of one, and the database holds no cookie', async () => {
    const { ambit, lines } = start()
    const [key, other] = [await keyOf('bob'), await keyOf('bob')]
    const cookie = await signInWith(ambit, key)
    const secret = cookie.slice('ambit_signed_in='.length)
    await threads(ambit, cookie)
    await threads(ambit, cookie, APOLLO, { headers: { 'sec-fetch-site': 'cross-site' } })
    await threads(ambit, `${cookie}; ${await signInWith(ambit, other)}`)
    await revoke(key)
    await threads(ambit, cookie)
    await visit(ambit, '/v1/sign-in', { method: 'POST', body: { key } })
    await visit(ambit, '/v1/sign-in', { method: 'POST', body: { key: [key] } })
    await visit(ambit, '/v1/sign-in', { method: 'DELETE', cookie })
    const log = JSON.stringify(lines)
    expect(lines.filter(({ msg }) => msg === 'signed in')).toHaveLength(2)
    for (const one of [secret, key, key.slice(-43), other.slice(-43)]) expect(log).not.toContain(one)
    const { rows } = await behind<{ text: string }>('select s::text as text from ambit.sign_ins s')
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain(secret)
  })
})
