import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKey } from '../../src/lib/identity/api-key.ts'
import { createOrganisation, createProject, join } from '../../src/lib/directory/create-place.ts'
import type { ChatTarget } from '../../src/lib/directory/directory.ts'
import { SCOPED_ROUTES, SCOPE_PREFIXES, prefixesOf } from '../../src/lib/http/routes.ts'
import type { ScopedRoute as Route } from '../../src/lib/http/routes.ts'
import { markProjectDeleted } from '../../src/lib/store/directory-rows.ts'
import { digestOf, listTenantTables } from '../support/catalogue.ts'
import { question, startAmbit } from '../support/client.ts'
import type { TestAmbit } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { answerOf, exchange } from '../support/exchange.ts'
import type { Answer } from '../support/exchange.ts'
import { finish, gate, scriptedModel } from '../support/scripted-model.ts'
import { must, readUntil } from '../support/stage.ts'
import { newId, plantWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

// Every route × both prefixes × everybody who has no business there. What is foreign, private, deleted or absent must be one
// and the same to them, byte for byte; and beside each refusal stands the rightful caller, who is served.

interface Expectation {
  readonly body?: unknown
  /** What the rightful caller gets. */
  readonly served: number
  /** The rightful caller, where a member is none. */
  readonly by?: 'ada'
  /** What a viewer gets. */
  readonly viewer: number
  /** What the path names beside the scope, and what is answered where that is not the caller's to see. */
  readonly names?: 'thread' | 'run' | 'document' | 'file'
  /** What it takes away is made for it first: a project of the organisation, a member of the place, a key of the caller's own. */
  readonly takes?: 'project' | 'person' | 'key'
  readonly unseen?: number
  /** What the author's colleague gets, where it is not what the author gets. */
  readonly colleague?: number
  /** A body that says nothing. */
  readonly nonsense?: unknown
}

const EXPECTED: Readonly<Record<string, Expectation>> = {
  'POST /chat': { body: question('a-new-thread', 'Hello?'), served: 200, viewer: 403, nonsense: 42 },
  'GET /chat/:thread/stream': { served: 200, viewer: 200, names: 'thread', unseen: 204 },
  'POST /chat/:thread/stop': { body: {}, served: 200, viewer: 403, names: 'thread', unseen: 404, nonsense: 42 },
  'GET /threads': { served: 200, viewer: 200 },
  'GET /threads/:thread': { served: 200, viewer: 200, names: 'thread', unseen: 404 },
  'PATCH /threads/:thread': { body: { title: 'Mine' }, served: 200, viewer: 403, names: 'thread', unseen: 404, colleague: 403, nonsense: 42 },
  'DELETE /threads/:thread': { served: 204, viewer: 403, names: 'thread', unseen: 404, colleague: 403 },
  'GET /threads/:thread/messages': { served: 200, viewer: 200, names: 'thread', unseen: 404 },
  'POST /files': { body: { text: 'JSON is a file, too.' }, served: 201, viewer: 403 },
  'GET /files/:file': { served: 200, viewer: 200, names: 'file', unseen: 404 },
  'GET /runs': { served: 200, viewer: 200 },
  'GET /events': { served: 200, viewer: 200 },
  'GET /documents': { served: 200, viewer: 200 },
  'POST /documents': { body: { title: 'Mine', body: 'Said.' }, served: 201, viewer: 403, nonsense: 42 },
  'GET /documents/:document': { served: 200, viewer: 200, names: 'document', unseen: 404 },
  'PATCH /documents/:document': { body: { title: 'Ours' }, served: 200, viewer: 403, names: 'document', unseen: 404, nonsense: 42 },
  'DELETE /documents/:document': { served: 204, viewer: 403, names: 'document', unseen: 404 },
  'GET /scope': { served: 200, viewer: 200 },
  'GET /settings': { served: 200, viewer: 200 },
  'PATCH /settings': { body: { instructions: 'Be brief.' }, served: 200, by: 'ada', viewer: 403, colleague: 403, nonsense: { instructions: 5 } },
  'GET /projects': { served: 200, viewer: 200 },
  'POST /projects': { body: { slug: 'new', name: 'New', visibility: 'private' }, served: 201, by: 'ada', viewer: 403, colleague: 403, nonsense: { slug: 'New' } },
  'PATCH ': { body: { about: 'Another one.' }, served: 200, by: 'ada', viewer: 403, colleague: 403, nonsense: { about: 5 } },
  'DELETE ': { served: 204, by: 'ada', viewer: 403, colleague: 403, takes: 'project' },
  'GET /members': { served: 200, viewer: 200 },
  'PUT /members/:person': { body: { role: 'viewer' }, served: 200, by: 'ada', viewer: 403, colleague: 403, nonsense: { role: 'king' } },
  'DELETE /members/:person': { served: 204, by: 'ada', viewer: 403, colleague: 403, takes: 'person' },
  'GET /keys': { served: 200, viewer: 200 },
  'POST /keys': { body: {}, served: 201, viewer: 201, nonsense: 42 },
  'DELETE /keys/:key': { served: 204, viewer: 404, colleague: 404, by: 'ada', takes: 'key' },
  'GET /runs/:run': { served: 200, viewer: 200, names: 'run', unseen: 404 },
  'GET /runs/:run/events': { served: 200, viewer: 200, names: 'run', unseen: 404 },
}

interface RouteCase {
  readonly name: string
  readonly prefix: string
  readonly inProject: boolean
  readonly route: Route
}

const CASES: readonly RouteCase[] = SCOPE_PREFIXES.flatMap((prefix) =>
  SCOPED_ROUTES.filter((route) => prefixesOf(route, SCOPE_PREFIXES).includes(prefix)).map((route) => ({ name: `${route.method} ${prefix}${route.path}`, prefix, inProject: prefix.includes(':project'), route })),
)

function expectationOf({ route }: RouteCase): Expectation {
  const expectation = EXPECTED[`${route.method} ${route.path}`]
  if (!expectation) throw new Error(`Nobody said who may do what at ${route.method} ${route.path}: add it to the table of this test.`)
  return expectation
}

/** A thread with a run that is under way, and a document of the same place. */
interface Live {
  readonly thread: string
  readonly run: string
  readonly document: string
  /** Came with the question. */
  readonly file: string
}

const NEVER: Live = { thread: 'thr_0123456789abcdef0123456789abcdef', run: 'run_0123456789abcdef0123456789abcdef', document: 'doc_0123456789abcdef0123456789abcdef', file: 'file_0123456789abcdef0123456789abcdef' }

/** Names that cannot be ids, as they stand in a path. */
const MALFORMED = ['%00', '%20', '*', '%2e%2e%2facme', 'a%2Fb', '%ff', '%27%20or%20true--', 'x'.repeat(129)]

describe.each(databaseKinds)('the routes on $name', (kind) => {
  const held = gate()
  const model = scriptedModel([
    { type: 'stream-start', warnings: [] },
    { type: 'text-start', id: '0' },
    { type: 'text-delta', id: '0', delta: 'One moment. ' },
    held.opened,
    { type: 'text-delta', id: '0', delta: 'Done.' },
    { type: 'text-end', id: '0' },
    finish(),
  ])
  let database: TestDatabase
  let world: World
  let running: TestAmbit
  let keys: Readonly<Record<string, string>>

  /** By Max, in the place of each prefix: shared, and private. He sees what every member sees, so his runs have read no more. */
  const shared: Record<'org' | 'project', Live> = { org: NEVER, project: NEVER }
  const secret: Record<'org' | 'project', Live> = { org: NEVER, project: NEVER }
  let inZephyr: Live
  let inGlobex: Live

  beforeAll(async () => {
    database = await kind.create()
    world = await plantWorld(database.handles)
    // What is under way stays so: after a minute of silence the model would be asked again.
    running = startAmbit(database, { model, limits: { modelIdleMs: 600_000, modelMs: 600_000 } })
    const acme = must(world.ids['acme'])
    const globex = must(world.ids['globex'])
    const made = await database.handles.operator(async (sql) => {
      const gone = await createProject(sql, { orgId: acme, slug: 'gone', name: 'Gone', about: '', visibility: 'organisation' }, newId)
      const initech = await createOrganisation(sql, { slug: 'initech', name: 'Initech', profile: '', owner: { id: 'ivan', name: 'Ivan' } }, newId)
      if (!gone.ok || !initech.ok) throw new Error('The places of this test were not made.')
      await createProject(sql, { orgId: initech.id, slug: 'apollo', name: 'Apollo', about: '', visibility: 'organisation' }, newId)
      for (const orgId of [acme, globex]) await join(sql, { orgId, projectId: '*', role: 'member', person: { id: 'both', name: 'Both' } })
      for (const id of ['max', 'pat']) await join(sql, { orgId: acme, projectId: '*', role: 'member', person: { id, name: id } })
      const keyOf = (orgId: string, personId: string, expiresInDays: number | null = null) => createKey(sql, { orgId, personId, expiresInDays }, newId)
      const minted = {
        max: await keyOf(acme, 'max'),
        pat: await keyOf(acme, 'pat'),
        ivan: await keyOf(initech.id, 'ivan'),
        'both in acme': await keyOf(acme, 'both'),
        'both in globex': await keyOf(globex, 'both'),
        expired: await keyOf(acme, 'ada', -1),
        revoked: await keyOf(acme, 'ada'),
      }
      return { gone: gone.id, initech: initech.id, minted }
    })
    keys = { ...world.keys, ...made.minted }
    // What was there once must have worked: these are taken away after they have served.
    await mustServe(await ask('revoked', '/v1/orgs/acme/projects/gone/threads'))
    await mustServe(await ask('ivan', '/v1/orgs/initech/projects/apollo/threads'))
    await database.handles.operator((sql) => markProjectDeleted(sql, acme, made.gone))
    await database.superuser.transaction('', async (sql) => {
      await sql.query('update ambit.organisations set deleted_at = now() where id = $1', [made.initech])
      await sql.query('update ambit.api_keys set revoked_at = now() where prefix = $1', [prefixOf(must(keys['revoked']))])
    })
    for (const [where, target] of [['org', { org: 'acme' }], ['project', { org: 'acme', project: 'apollo' }]] as const) {
      shared[where] = await begin('max', target, `CNRY-shared-${where}`, true)
      secret[where] = await begin('max', target, 'CNRY-secret')
    }
    inZephyr = await begin('ada', { org: 'acme', project: 'zephyr' }, 'CNRY-zephyr', true)
    inGlobex = await begin('gus', { org: 'globex', project: 'apollo' }, 'CNRY-globex', true)
  })
  afterAll(async () => {
    held.open()
    await running.ambit.close()
    await database.drop()
  })

  const bearer = (who: string) => `Bearer ${must(keys[who])}`
  const ask = (who: string, path: string, method = 'GET', body?: unknown) => exchange(running.ambit, { method, path, authorization: bearer(who), body })

  async function write(who: string, place: string): Promise<string> {
    const response = await ask(who, `${place}/documents`, 'POST', { title: 'CNRY-title', body: 'CNRY-body' })
    expect(response.status).toBe(201)
    return ((await response.json()) as { id: string }).id
  }

  /** A run that is under way, in a thread of its own. */
  async function begin(who: string, target: ChatTarget, text: string, isShared = false): Promise<Live> {
    const context = await running.ambit.resolveChatScope({ subject: who, kind: 'person' }, target)
    if (!context.ok) throw new Error(`${who} is refused: ${context.code}`)
    const place = target.project === undefined ? `/v1/orgs/${target.org}` : `/v1/orgs/${target.org}/projects/${target.project}`
    const uploaded = await ask(who, `${place}/files`, 'POST', { text })
    if (uploaded.status !== 201) throw new Error(`${who} may not upload: ${uploaded.status}`)
    const { id: file } = (await uploaded.json()) as { id: string }
    const message = { clientId: null, text, files: [file] }
    const opened = await running.ambit.openRun(context, { thread: null, trigger: 'submit', message, messageId: null, model: null })
    if (!opened.ok) throw new Error(`${who} may not ask: ${opened.code}`)
    const thread = opened.run.threadId
    if (isShared) await mustServe(await ask(who, `${place}/threads/${thread}`, 'PATCH', { shared: true }))
    const stream = must((await ask(who, `${place}/chat/${thread}/stream`)).body).getReader()
    await readUntil(stream, 'One moment.')
    await stream.cancel()
    return { thread, run: opened.run.id, document: await write(who, place), file }
  }

  const placeOf = ({ inProject }: RouteCase) => (inProject ? 'project' : 'org')
  const pathOf = ({ prefix, route }: RouteCase, at: { org?: string; project?: string }, live: Live): string =>
    prefix.replace(':org', at.org ?? 'acme').replace(':project', at.project ?? 'apollo') +
    route.path.replace(':thread', live.thread).replace(':run', live.run).replace(':document', live.document).replace(':file', live.file).replace(':person', 'somebody').replace(':key', 'key_never')

  /** The path of something that is there to be taken away. */
  async function pathToTake(one: RouteCase): Promise<string> {
    const place = pathOf({ ...one, route: { ...one.route, path: '' } }, {}, NEVER)
    if (expectationOf(one).takes === 'project') {
      await ask('ada', '/v1/orgs/acme/projects', 'POST', { slug: 'taken', name: 'Taken', visibility: 'organisation' })
      return pathOf(one, { project: 'taken' }, NEVER)
    }
    if (expectationOf(one).takes === 'person') {
      await mustServe(await ask('ada', `${place}/members/somebody`, 'PUT', { role: 'viewer' }))
      return pathOf(one, {}, NEVER)
    }
    const made = await ask('ada', `${place}/keys`, 'POST', {})
    return pathOf(one, {}, NEVER).replace('key_never', ((await made.json()) as { id: string }).id)
  }

  /** An answer without its stream, which has no end while the run has none. */
  async function summaryOf(response: Response): Promise<Answer> {
    if (response.headers.get('content-type') !== 'text/event-stream') return answerOf(response)
    await response.body?.cancel()
    return { status: response.status, headers: Object.fromEntries(response.headers), body: 'a stream' }
  }

  const call = async (one: RouteCase, authorization: string | undefined, path: string): Promise<Answer> =>
    summaryOf(await exchange(running.ambit, { method: one.route.method, path, authorization, body: expectationOf(one).body }))

  test('are all in the table, and the table holds no others', () => {
    expect(CASES).toHaveLength(SCOPED_ROUTES.length * SCOPE_PREFIXES.length - SCOPED_ROUTES.filter(({ only }) => only).length)
    expect([...new Set(SCOPED_ROUTES.map((route) => `${route.method} ${route.path}`))].sort()).toEqual(Object.keys(EXPECTED).sort())
    for (const one of CASES) expect(/:(thread|run|document|file)/.exec(one.route.path)?.[1]).toBe(expectationOf(one).names)
  })

  test.each(CASES)('$name: serves its people', async (one) => {
    const { served, by = 'bob', colleague, names, takes } = expectationOf(one)
    const target = one.inProject ? { org: 'acme', project: 'apollo' } : { org: 'acme' }
    const own = names ? await begin(by, target, 'Mine?') : NEVER
    const taken = takes ? await pathToTake(one) : null
    expect((await call(one, bearer('bob'), taken ?? pathOf(one, {}, shared[placeOf(one)]))).status).toBe(colleague ?? served)
    // While it is being answered, nothing takes a thread away.
    if (one.route.method === 'DELETE' && names === 'thread') await mustServe(await ask(by, `${pathOf(one, {}, own).replace('/threads/', '/chat/')}/stop`, 'POST', {}))
    expect((await call(one, bearer(by), taken ?? pathOf(one, {}, own))).status).toBe(served)
    // A stop of the shared run by a colleague is a stop, and a document is everybody's: the next tests need others.
    if (one.route.path.endsWith('/stop') || one.route.method === 'DELETE') shared[placeOf(one)] = await begin('max', target, `CNRY-shared-${placeOf(one)}`, true)
  })

  test.each(CASES)('$name: 401 without a good credential, always the same', async (one) => {
    const path = pathOf(one, {}, shared[placeOf(one)])
    const key = must(keys['bob'])
    const wrong: Readonly<Record<string, string | undefined>> = {
      none: undefined,
      empty: '',
      'another scheme': `Basic ${Buffer.from(`bob:${key}`).toString('base64')}`,
      malformed: 'Bearer nonsense',
      'with more behind it': `Bearer ${key}x`,
      unknown: `Bearer ambit_${'A'.repeat(12)}_${'A'.repeat(43)}`,
      'with another secret': `Bearer ambit_${prefixOf(key)}_${'A'.repeat(43)}`,
      'with the secret of another': `Bearer ambit_${prefixOf(key)}_${must(keys['gus']).slice(-43)}`,
      revoked: bearer('revoked'),
      expired: bearer('expired'),
    }
    const reference = await call(one, undefined, path)
    expect(reference.status).toBe(401)
    for (const [name, authorization] of Object.entries(wrong)) {
      expect([name, await call(one, authorization, path)]).toEqual([name, reference])
      expect([name, await call(one, authorization, pathOf(one, { org: 'never' }, NEVER))]).toEqual([name, reference])
    }
  })

  test.each(CASES)('$name: 404 at every place that is not theirs, always the same', async (one) => {
    const strangers: readonly (readonly [name: string, who: string, at: { org?: string; project?: string }])[] = [
      ['a key of another organisation', 'gus', {}],
      ['a foreign organisation', 'ada', { org: 'globex' }],
      ['a key of this organisation, at another of the same person', 'both in acme', { org: 'globex' }],
      ['a key of another organisation of the same person', 'both in globex', {}],
      ['an organisation that never existed', 'ada', { org: 'never' }],
      ['a deleted organisation', 'ivan', { org: 'initech' }],
      ['an organisation by its id', 'ada', { org: must(world.ids['acme']) }],
      ...MALFORMED.map((org) => [`an organisation ${org.slice(0, 20)}`, 'ada', { org }] as const),
      ...(one.inProject
        ? ([
            ['a private project', 'bob', { project: 'zephyr' }],
            ['a private project, to one of another project', 'erin', { project: 'zephyr' }],
            ['a deleted project', 'ada', { project: 'gone' }],
            ['a project that never existed', 'ada', { project: 'never' }],
            ['a project by its id', 'ada', { project: must(world.ids['acme/apollo']) }],
            ...MALFORMED.map((project) => [`a project ${project.slice(0, 20)}`, 'ada', { project }] as const),
          ] as const)
        : ([['somebody of one project, at the organisation', 'erin', {}]] as const)),
    ]
    const live = shared[placeOf(one)]
    const reference = await call(one, bearer('ada'), pathOf(one, { org: 'never' }, live))
    expect(reference.status).toBe(404)
    for (const [name, who, at] of strangers) {
      expect([name, await call(one, bearer(who), pathOf(one, at, live))]).toEqual([name, reference])
    }
  })

  test('each of those strangers is at home somewhere', async () => {
    const homes = [
      ['gus', 'globex', 'apollo'], ['ada', 'acme', 'zephyr'], ['carol', 'acme', 'zephyr'], ['erin', 'acme', 'apollo'],
      ['both in acme', 'acme', 'apollo'], ['both in globex', 'globex', 'apollo'],
    ] as const
    for (const [who, org, project] of homes) {
      expect([who, (await ask(who, `/v1/orgs/${org}/projects/${project}/threads`)).status]).toEqual([who, 200])
      expect([who, (await ask(who, `/v1/orgs/${org}/threads`)).status]).toEqual([who, who === 'erin' ? 404 : 200])
    }
  })

  test.each(CASES)('$name: a viewer reads, and does no more', async (one) => {
    const { viewer } = expectationOf(one)
    expect((await call(one, bearer('dave'), pathOf(one, {}, shared[placeOf(one)]))).status).toBe(viewer)
    // Of the directory a viewer keeps what is his own: the rest is in the table.
    const byPermission = one.route.permission === 'read' ? 200 : 403
    expect(viewer).toBe(one.route.directory ? viewer : byPermission)
  })

  test.each(CASES.filter((one) => one.route.permission !== 'read'))('$name: a viewer learns nothing from trying', async (one) => {
    const [there, absent] = [shared[placeOf(one)], NEVER].map((live) => call(one, bearer('dave'), pathOf(one, {}, live)))
    expect(await there).toMatchObject({ status: 403 })
    expect(await there).toEqual(await absent)
  })

  describe.each(CASES.filter((one) => expectationOf(one).names))('$name', (one) => {
    test('a thread or run that is not the caller’s to see is the same as none', async () => {
      const { unseen } = expectationOf(one)
      const globex = await digestOf(database.superuser, await listTenantTables(database.superuser), must(world.ids['globex']))
      const here = shared[placeOf(one)]
      const others: Readonly<Record<string, Live>> = {
        'of another tenant': inGlobex,
        'of a private project': inZephyr,
        'with its ids swapped': { thread: here.run, run: here.thread, document: here.thread, file: here.thread },
        // A document is nobody's own, and the organisation's scope shows those of its projects.
        ...(expectationOf(one).names !== 'document' && { 'of another person': secret[placeOf(one)], 'of another person, in the other kind of scope': secret[one.inProject ? 'org' : 'project'] }),
        ...((expectationOf(one).names !== 'document' || one.inProject) && { 'of the other kind of scope': shared[one.inProject ? 'org' : 'project'] }),
      }
      const reference = await call(one, bearer('bob'), pathOf(one, {}, NEVER))
      expect(reference.status).toBe(unseen)
      for (const [name, live] of Object.entries(others)) {
        expect([name, await call(one, bearer('bob'), pathOf(one, {}, live))]).toEqual([name, reference])
      }
      for (const text of MALFORMED) {
        expect([text, await call(one, bearer('bob'), pathOf(one, {}, { thread: text, run: text, document: text, file: text }))]).toEqual([text, reference])
      }
      expect(await digestOf(database.superuser, await listTenantTables(database.superuser), must(world.ids['globex']))).toBe(globex)
    })
  })

  const WRITING = CASES.filter((one) => expectationOf(one).nonsense !== undefined)

  test.each(WRITING)('$name: a malformed body is a 400 whatever it is about', async (one) => {
    const { nonsense, names } = expectationOf(one)
    const lives = names ? [shared[placeOf(one)], secret[placeOf(one)], inZephyr, inGlobex, NEVER] : [NEVER]
    const answers = await Promise.all(
      lives.map(async (live) =>
        answerOf(await exchange(running.ambit, { method: one.route.method, path: pathOf(one, {}, live), authorization: bearer('bob'), body: nonsense })),
      ),
    )
    expect(answers[0]?.status).toBe(400)
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })

  test.each(WRITING)('$name: a malformed body is a 400 wherever it is sent', async (one) => {
    const places = ['acme/apollo', 'acme/zephyr', 'acme/gone', 'acme/never', 'globex/apollo', 'never/apollo', '%00/%00']
    const answers = await Promise.all(
      places.map(async (place) => {
        const [org = '', project = ''] = place.split('/')
        return answerOf(await ask('bob', pathOf(one, { org, project }, NEVER), one.route.method, expectationOf(one).nonsense))
      }),
    )
    expect(answers[0]?.status).toBe(400)
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })

  describe.each([
    ['project', '/v1/orgs/acme/projects/apollo'],
    ['org', '/v1/orgs/acme'],
  ] as const)('a chat at the %s address', (where, place) => {
    const others = (): Readonly<Record<string, Live>> => ({
      'another tenant': inGlobex,
      'a private project': inZephyr,
      'the other kind of scope': shared[where === 'org' ? 'project' : 'org'],
      'another person': secret[where],
      nobody: NEVER,
    })

    test('that names a thread of somebody else begins an own one, and leaves the other alone', async () => {
      const tables = await listTenantTables(database.superuser)
      const globex = await digestOf(database.superuser, tables, must(world.ids['globex']))
      const secretBefore = await (await ask('max', `${place}/threads/${secret[where].thread}/messages`)).text()
      for (const [name, { thread }] of Object.entries(others())) {
        const asked = model.calls.length
        const response = await ask('pat', `${place}/chat`, 'POST', question(thread, `May I, ${name}?`))
        expect([name, response.status]).toEqual([name, 200])
        const stream = must(response.body).getReader()
        const seen = await readUntil(stream, 'One moment.')
        await stream.cancel()
        expect(seen).not.toContain('CNRY')
        expect(model.calls.length).toBe(asked + 1)
        expect(JSON.stringify(model.calls[asked]?.prompt)).not.toMatch(new RegExp(`CNRY-(shared-${where === 'org' ? 'project' : 'org'}|secret|zephyr|globex)`))
        const own = (await (await ask('pat', `${place}/threads/${thread}`)).json()) as { id: string; chat_id: string; author_id: string }
        expect(own).toMatchObject({ chat_id: thread, author_id: 'pat' })
        expect(own.id).not.toBe(thread)
        const messages = (await (await ask('pat', `${place}/threads/${thread}/messages`)).json()) as { messages: unknown[] }
        expect(messages.messages).toHaveLength(2)
      }
      expect(await digestOf(database.superuser, tables, must(world.ids['globex']))).toBe(globex)
      expect(await (await ask('max', `${place}/threads/${secret[where].thread}/messages`)).text()).toBe(secretBefore)
    })

    test('that asks again in a thread of somebody else is refused like one in no thread', async () => {
      const again = (live: Live) => ask('bob', `${place}/chat`, 'POST', { id: live.thread, trigger: 'regenerate-message' })
      const reference = await answerOf(await again(NEVER))
      expect(reference.status).toBe(404)
      for (const [name, live] of Object.entries(others())) expect([name, await answerOf(await again(live))]).toEqual([name, reference])
      // In a thread that he sees it is another refusal: that thread is being answered.
      expect((await again(shared[where])).status).toBe(409)
    })

    test('a Last-Event-ID and a stop that name a run of somebody else are like those that name none', async () => {
      const own = await begin('bob', where === 'org' ? { org: 'acme' } : { org: 'acme', project: 'apollo' }, 'Mine?')
      const resume = (run: string) =>
        exchange(running.ambit, { method: 'GET', path: `${place}/chat/${own.thread}/stream`, authorization: bearer('bob'), headers: { 'last-event-id': `${run}.1.1` } })
      const stop = (run: string) => ask('bob', `${place}/chat/${own.thread}/stop`, 'POST', { run })
      const [resumed, stopped] = [await answerOf(await resume(NEVER.run)), await answerOf(await stop(NEVER.run))]
      expect([resumed.status, stopped.status]).toEqual([404, 200])
      for (const [name, { run }] of Object.entries(others())) {
        expect([name, await answerOf(await resume(run))]).toEqual([name, resumed])
        expect([name, await answerOf(await stop(run))]).toEqual([name, stopped])
      }
      const goesOn = await resume(own.run)
      expect(goesOn.status).toBe(200)
      await goesOn.body?.cancel()
      const states = await database.superuser.transaction('', (sql) =>
        sql.query<{ state: string; stop_requested: boolean }>('select distinct state, stop_requested from ambit.runs where id = any($1)', [[inGlobex.run, inZephyr.run, secret[where].run, own.run]]),
      )
      expect(states.rows).toEqual([{ state: 'running', stop_requested: false }])
      expect((await (await stop(own.run)).json()) as unknown).toEqual({ run: own.run, state: 'stopped' })
    })

    test('lists name what can be got, and nothing else', async () => {
      const { threads } = (await (await ask('bob', `${place}/threads?limit=200`)).json()) as { threads: { id: string }[] }
      const { runs } = (await (await ask('bob', `${place}/runs?limit=200`)).json()) as { runs: { id: string }[] }
      expect(threads.map((thread) => thread.id)).toContain(shared[where].thread)
      expect(runs.map((run) => run.id)).toContain(shared[where].run)
      for (const { id } of threads) expect((await ask('bob', `${place}/threads/${id}`)).status).toBe(200)
      for (const { id } of runs) expect((await ask('bob', `${place}/runs/${id}`)).status).toBe(200)
      const ids = [...threads, ...runs].map((one) => one.id)
      for (const { thread, run } of Object.values(others())) {
        expect(ids).not.toContain(thread)
        expect(ids).not.toContain(run)
      }
    })
  })

  test('no line of the log holds a key or what was said', () => {
    const lines = JSON.stringify(running.lines)
    expect(running.lines.length).toBeGreaterThan(100)
    for (const key of Object.values(keys)) expect(lines).not.toContain(key.slice(-43))
    expect(lines).not.toContain('CNRY')
  })
})

async function mustServe(response: Response): Promise<void> {
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
}

/** The public half of a key. */
function prefixOf(key: string): string {
  return key.slice('ambit_'.length, 'ambit_'.length + 12)
}
