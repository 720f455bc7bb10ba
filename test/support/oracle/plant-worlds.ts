import type { Database, Sql } from '../../../src/lib/store/database.ts'
import type { World } from './tenant-world.ts'

const DIRECTORY = ['organisations', 'projects', 'people', 'memberships'] as const

/** The tables of which the oracle says who sees their rows. */
export const TENANT_TABLES = [
  'calls', 'claims', 'documents', 'events', 'files', 'frames', 'idempotency_keys', 'manifests', 'memberships', 'message_contents', 'messages', 'postings', 'read_sets', 'runs',
  'settings', 'steps', 'threads',
] as const

/** In an order in which each row points to one that is there. */
const PLANTED = [
  ...DIRECTORY, 'settings', 'threads', 'messages', 'runs', 'claims', 'read_sets', 'message_contents', 'files', 'steps', 'frames', 'manifests', 'calls', 'events',
  'idempotency_keys', 'documents', 'postings',
] as const

type Rows = Record<string, unknown>[]

/** Takes away whatever worlds there are and writes these, past every wall: one insert a table, however many worlds. */
export async function plantWorlds(database: Database, worlds: readonly World[]): Promise<void> {
  await database.transaction('', async (sql) => {
    await sql.script(`truncate ${PLANTED.map((table) => `ambit.${table}`).join()} cascade`)
    // Checked in small numbers only: of many, two thirds of the time went into foreign keys.
    if (worlds.length > CHECKED) await sql.script('set local session_replication_role = replica')
    for (const [table, rows] of rowsOf(worlds)) await insertRows(sql, table, rows)
  })
}

const CHECKED = 200

async function insertRows(sql: Sql, table: string, rows: Rows): Promise<void> {
  const columns = Object.keys(rows[0] ?? {}).join()
  if (columns === '') return
  await sql.query(`insert into ambit.${table} (${columns}) overriding system value select ${columns} from jsonb_populate_recordset(null::ambit.${table}, $1::jsonb)`, [
    JSON.stringify(rows),
  ])
}

function rowsOf(worlds: readonly World[]): ReadonlyMap<string, Rows> {
  const tables = new Map<string, Rows>(PLANTED.map((table) => [table, []]))
  const add = (table: (typeof PLANTED)[number], row: Record<string, unknown>): void => void tables.get(table)?.push(row)
  for (const world of worlds) {
    addDirectory(world, add)
    addTalk(world, add)
  }
  return tables
}

type Add = (table: (typeof PLANTED)[number], row: Record<string, unknown>) => void

const LONG_AGO = '2020-01-01T00:00:00Z'
/** Of what is thrown away by age: a test that takes more than a minute would lose it to the sweep. */
const NOT_YET = '2100-01-01T00:00:00Z'

function addDirectory(world: World, add: Add): void {
  for (const { id, slug, deleted } of world.organisations) add('organisations', { id, slug, name: id, deleted_at: deleted ? LONG_AGO : null, profile: '', created_at: LONG_AGO })
  for (const { org, id, slug, isPrivate, deleted } of world.projects) {
    add('projects', { org_id: org, id, slug, name: id, visibility: isPrivate ? 'private' : 'organisation', deleted_at: deleted ? LONG_AGO : null })
  }
  for (const id of world.people) add('people', { id, name: id })
  for (const { org, project, person, role } of world.memberships) add('memberships', { org_id: org, project_id: project, person_id: person, role })
  for (const { org, project, aiEnabled } of world.settings) add('settings', { org_id: org, project_id: project, ai_enabled: aiEnabled })
  for (const { org, project, id } of world.documents) {
    add('documents', { org_id: org, project_id: project, id, title: id, body: 'word' })
    add('postings', { org_id: org, project_id: project, document_id: id, lexeme: 'word', weight: 1 })
  }
}

function addTalk(world: World, add: Add): void {
  for (const { org, project, id, author, alias, shared } of world.threads) {
    add('threads', { org_id: org, project_id: project, id, author_id: author, alias, shared })
  }
  for (const message of world.messages) {
    const { id, number, author, run, said } = message
    const key = { org_id: message.org, project_id: message.project, thread_id: message.thread }
    add('messages', { ...key, id, number, role: run === null ? 'user' : 'assistant', author_id: author })
    if (said) add('message_contents', { ...key, message_id: id, run_id: run, parts: '[]' })
  }
  for (const run of world.runs) {
    const key = { org_id: run.org, project_id: run.project }
    const written = { model_id: 'planted', state: 'completed', node_id: 'planted', epoch: 1, fence: 1, last_seq: 1, principal: '{}', target: '{}', context: '{}' }
    add('runs', { ...key, id: run.id, thread_id: run.thread, user_message_id: run.question, message_id: run.answer, author_id: run.author, ...written })
    const ofRun = { ...key, run_id: run.id }
    add('claims', { ...ofRun, fence: 1, base: 0, node_id: 'planted', epoch: 1 })
    add('read_sets', { ...ofRun, projects: run.reads })
    add('steps', { ...ofRun, number: 1, fence: 1, finish_reason: 'stop', usage: '{}' })
    add('frames', { ...ofRun, first_seq: 1, last_seq: 1, text: '' })
    add('manifests', { ...ofRun, content: '{"budget":0,"entries":[]}' })
    add('calls', { ...ofRun, id: 'c1', step: 1, place: 1, name: 'look_up', effect: 'read', input: '{}', state: 'done', fence: 1, outcome: '{}' })
  }
  for (const { org, project, number, thread, run } of world.events) {
    add('events', { org_id: org, project_id: project, number, kind: run === null ? 'thread_changed' : 'run_ended', thread_id: thread, run_id: run, at: NOT_YET })
  }
  for (const { org, project, id, author, thread, message } of world.files) {
    add('files', { org_id: org, project_id: project, id, author_id: author, name: id, media_type: 'text/plain', content: '\\x61', thread_id: thread, message_id: message, created_at: NOT_YET })
  }
  for (const { org, project, author, key } of world.keys) {
    add('idempotency_keys', { org_id: org, project_id: project, author_id: author, request: 'POST', key, body_hash: '', run_id: key, created_at: NOT_YET })
  }
}
