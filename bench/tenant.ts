import { randomBytes, randomUUID } from 'node:crypto'
import { mintDemoKeys, seedDemo } from '../src/lib/demo/seed-demo.ts'
import { openHandles } from '../src/lib/store/handles.ts'
import type { Handles, RowScope, ScopedSql } from '../src/lib/store/handles.ts'
import { insertContent } from '../src/lib/store/content-rows.ts'
import { findOrganisation, listVisibleProjects } from '../src/lib/store/directory-rows.ts'
import { insertMessages } from '../src/lib/store/message-rows.ts'
import { migrate } from '../src/lib/store/migrate.ts'
import { connect } from '../src/lib/store/open-postgres.ts'
import { insertReadSet } from '../src/lib/store/read-set-rows.ts'
import { loginScript } from '../src/lib/store/role-script.ts'
import { advanceRun, insertRun } from '../src/lib/store/run-rows.ts'
import { scramVerifier } from '../src/lib/store/scram-verifier.ts'
import { insertThread, takeNumbers } from '../src/lib/store/thread-rows.ts'
import { urlOf } from '../test/support/templates.ts'
import { historyText } from './history-text.ts'

/** A database as a small tenant has it, and what it takes to chat in it. */
export interface Tenant {
  /** For the app's login, which owns nothing and bypasses nothing. */
  readonly store: string
  /** The address of the organisation's project. */
  readonly scope: string
  readonly path: string
  readonly key: string
  /** Threads of a thousand messages, by whose they are: each grows with what is asked in it. */
  readonly longThreads: ReadonlyMap<string, readonly string[]>
  /** How durable this server's commits are. */
  readonly durability: string
  /** The server's own process. */
  readonly postgresPid: number
  /** Past every wall, for whoever checks what was stored. */
  readonly superuser: Superuser
  drop(): Promise<void>
}

export interface Superuser {
  readonly url: string
  /** The app's login, as the server lists it. */
  readonly login: string
  readonly orgId: string
  readonly projectId: string
}

const PERSON = 'ada'
const ORGANISATION = 'acme'
const PROJECT = 'apollo'
const LONG_THREADS = 2
const SHORT_THREADS = 30

const newId = (kind: string): string => `${kind}_${randomUUID().replaceAll('-', '')}`

/** The demo world (two organisations and their documents), thirty short threads, and two long ones for each of these names. */
export async function plantTenant(server: string, { longMessages = 0, names = [] }: { longMessages?: number; names?: readonly string[] } = {}): Promise<Tenant> {
  const name = `bench_${randomBytes(6).toString('hex')}`
  const login = { user: name, password: randomBytes(12).toString('hex') }
  const admin = connect(server, ignoreDropped)
  await admin.transaction('commit', (sql) => sql.script(`create database ${name}`))
  const owner = connect(urlOf(server, name), ignoreDropped)
  await migrate(owner)
  await owner.transaction('', (sql) => sql.script(loginScript(login.user, scramVerifier(login.password))))
  const { rows } = await owner.transaction('', (sql) =>
    sql.query<{ durability: string; pid: string }>(
      `select 'fsync ' || current_setting('fsync') || ', synchronous_commit ' || current_setting('synchronous_commit') as durability,
              split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`,
    ),
  )

  const handles = openHandles(owner)
  await seedDemo(handles, newId)
  const key = (await mintDemoKeys(handles, newId))[PERSON]?.key
  if (key === undefined) throw new Error('The demo has no such person.')
  const place = await findPlace(handles)
  for (let count = 0; count < SHORT_THREADS; count += 1) await plantThread(handles, place, 6)
  const longThreads = new Map<string, readonly string[]>()
  for (const whose of names) longThreads.set(whose, await Promise.all(Array.from({ length: LONG_THREADS }, () => plantThread(handles, place, longMessages))))
  await owner.transaction('commit', (sql) => sql.script('analyze')) // as the server does by itself where rows have lain for a minute
  await owner.close()
  const scope = `/v1/orgs/${ORGANISATION}/projects/${PROJECT}`
  return {
    store: urlOf(server, name, login),
    scope,
    path: `${scope}/chat`,
    key,
    longThreads,
    durability: rows[0]?.durability ?? 'unknown',
    postgresPid: Number(rows[0]?.pid),
    superuser: { url: urlOf(server, name), login: login.user, orgId: place.rows.orgId, projectId: place.projectId },
    async drop() {
      await admin.transaction('commit', (sql) => sql.script(`drop database ${name} with (force)`))
      await admin.transaction('', (sql) => sql.script(`drop role ${name}`))
      await admin.close()
    },
  }
}

interface PlantedPlace {
  readonly rows: RowScope
  readonly projectId: string
}

async function findPlace(handles: Handles): Promise<PlantedPlace> {
  const orgId = (await handles.operator((sql) => findOrganisation(sql, ORGANISATION)))?.id ?? ''
  const projects = await handles.lookup((sql) => listVisibleProjects(sql, PERSON, orgId, { limit: 100 }))
  const projectId = projects.find(({ slug }) => slug === PROJECT)?.id ?? ''
  return { projectId, rows: { orgId, projectIds: [projectId], userId: PERSON } }
}

/** A conversation of so many messages, each answer with its run. */
async function plantThread(handles: Handles, { rows, projectId }: PlantedPlace, messages: number): Promise<string> {
  const threadId = newId('thr')
  await handles.scoped(rows, async (sql) => {
    await insertThread(sql, { projectId, id: threadId, userId: rows.userId, alias: null, title: 'Late trailers' })
    const first = await takeNumbers(sql, { projectId, threadId, count: messages, headId: null })
    let parentId: string | null = null
    for (let index = 0; index < messages; index += 2) parentId = await plantTurn(sql, { projectId, threadId, authorId: rows.userId }, first + index, parentId)
  })
  return threadId
}

async function plantTurn(
  sql: ScopedSql,
  place: { projectId: string; threadId: string; authorId: string },
  number: number,
  parentId: string | null,
): Promise<string> {
  const { projectId } = place
  const said = { ...place, clientId: null }
  const [userMessageId, messageId, id] = [newId('msg'), newId('msg'), newId('run')]
  await insertMessages(sql, [
    { ...said, id: userMessageId, number, parentId, role: 'user' },
    { ...said, id: messageId, number: number + 1, parentId: userMessageId, role: 'assistant' },
  ])
  const run = { ...place, id, userMessageId, messageId, modelId: 'planted', number: number + 1, about: '[]', fence: 1, lastSeq: 1 }
  await insertRun(sql, { ...run, state: 'running', owner: { id: 'planted', epoch: 1 }, principal: '{}', target: '{}', context: '{}' })
  await insertReadSet(sql, projectId, id, [projectId])
  await insertContent(sql, { ...place, messageId: userMessageId, runId: null, parts: textParts(number) })
  await insertContent(sql, { ...place, messageId, runId: id, parts: textParts(number + 1) })
  await advanceRun(sql, { projectId, id, fence: 1 }, { from: 1, to: 1, end: { state: 'completed', finishReason: 'stop', errorCode: null } })
  return messageId
}

function textParts(index: number): string {
  return JSON.stringify([{ type: 'text', text: historyText(index) }])
}

/** A forced drop ends idle connections, which is what was asked for. */
function ignoreDropped(): void {}
