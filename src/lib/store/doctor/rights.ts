/**
 * The restrictive policies of the migrations besides `organisation`, as `table policy`: what guards people and threads from
 * each other within an organisation. A migration that adds or drops one says it here, too.
 */
export const WALLS = [
  'api_keys held', 'api_keys own_name', 'calls own_record_insert', 'calls own_record_update', 'calls read_set', 'claims own_record_insert',
  'claims visible', 'events own_word', 'events visible', 'files own_name', 'files own_unsent', 'files visible', 'frames own_record_insert',
  'frames read_set', 'idempotency_keys own', 'manifests own_record_insert', 'manifests read_set', 'memberships administered_delete',
  'memberships administered_insert', 'memberships administered_update', 'message_contents own_record_insert', 'message_contents read_set',
  'message_contents visible', 'messages own_name', 'messages visible', 'projects administered_insert', 'projects administered_update',
  'read_sets own_record_insert', 'read_sets own_record_update', 'read_sets read_set', 'read_sets visible', 'runs own_name', 'runs own_record',
  'runs visible', 'settings administered_insert', 'settings administered_update', 'steps own_record_insert', 'steps read_set', 'threads own_name',
  'threads own_removal', 'threads visible',
] as const

type Right = 'select' | 'insert' | 'update' | 'delete'

/** All columns, or only these. */
type Columns = '*' | readonly string[]

type Rights = Readonly<Partial<Record<Right, Columns>>>

const KEPT = { select: '*', insert: '*', update: '*' } as const

/**
 * What each role may do, and where a policy may let it see every row (the scoped one: nowhere). The grants say the same once
 * more; a migration that opens something to one of these roles says it here, too, or the doctor refuses the database.
 * Of the scoped role only the directory is listed: what else it may touch is held to the rules for tenant tables.
 */
const RIGHTS: Readonly<Record<'lookup' | 'scoped' | 'sweeper' | 'operator', Readonly<Record<string, Rights>>>> = {
  // Before a scope exists: who somebody is, and what is ruled where. Writes only when a key was used last, and who has signed in with it.
  lookup: {
    organisations: { select: '*' },
    projects: { select: '*' },
    people: { select: '*' },
    memberships: { select: '*' },
    api_keys: { select: '*', update: ['last_used_at'] },
    sign_ins: { select: '*', insert: '*', update: ['used_at', 'ends_at'], delete: '*' },
    settings: { select: '*' },
    migrations: { select: '*' },
  },
  // What an admin keeps, and everybody of his own. Of a key never the hash: it is written and not read.
  scoped: {
    projects: { select: '*', insert: ['org_id', 'id', 'slug', 'name', 'about', 'visibility'], update: ['name', 'about', 'visibility', 'deleted_at'] },
    memberships: { select: '*', insert: ['org_id', 'project_id', 'person_id', 'role', 'name'], update: ['role', 'name'], delete: '*' },
    api_keys: {
      select: ['org_id', 'id', 'person_id', 'prefix', 'made_by', 'created_at', 'expires_at', 'revoked_at', 'last_used_at'],
      insert: ['org_id', 'id', 'person_id', 'prefix', 'hash', 'made_by', 'expires_at'],
      update: ['revoked_at'],
    },
  },
  // Of all organisations: who owns a run, and the scope it was begun with. Never what was said or sent, which it throws away by age.
  sweeper: {
    nodes: { ...KEPT, delete: '*' },
    runs: {
      select: [
        'org_id', 'project_id', 'id', 'thread_id', 'state', 'stop_requested', 'node_id', 'epoch', 'fence', 'last_seq',
        'principal', 'target', 'context', 'author_id', 'message_id', 'number', 'started_at', 'ended_at', 'trimmed', 'stop_requested_at',
      ],
      update: ['node_id', 'epoch', 'fence', 'stop_requested', 'state', 'started_at', 'trimmed', 'stop_requested_at'],
    },
    claims: { select: '*', insert: '*' },
    frames: { select: ['org_id', 'project_id', 'run_id'], delete: '*' },
    idempotency_keys: { select: ['created_at'], delete: '*' },
    events: { select: ['org_id', 'project_id', 'number', 'at'], delete: '*' },
    files: { select: ['message_id', 'created_at'], delete: '*' },
  },
  // The command line: organisations, people, keys; and how runs went, of every organisation, never what was said.
  operator: {
    organisations: KEPT,
    projects: KEPT,
    people: KEPT,
    memberships: { ...KEPT, delete: '*' },
    api_keys: KEPT,
    settings: KEPT,
    nodes: { select: '*' },
    claims: { select: '*' },
    steps: { select: '*' },
    runs: {
      select: [
        'org_id', 'project_id', 'id', 'thread_id', 'author_id', 'model_id', 'state', 'finish_reason', 'error_code', 'stop_requested',
        'stop_requested_at', 'node_id', 'epoch', 'fence', 'last_seq', 'number', 'created_at', 'started_at', 'ended_at',
      ],
    },
    calls: {
      select: [
        'org_id', 'project_id', 'run_id', 'id', 'step', 'place', 'name', 'effect', 'state', 'fence', 'claimed_at', 'settled_at',
      ],
    },
  },
}

/** `lookup api_keys update last_used_at`, `lookup people select *`: as the catalogue's grants are compared with. */
export function listRights(): readonly string[] {
  return Object.entries(RIGHTS).flatMap(([role, tables]) =>
    Object.entries(tables).flatMap(([table, rights]) =>
      Object.entries(rights).flatMap(([right, columns]) =>
        (columns === '*' ? ['*'] : columns).map((column) => `${role} ${table} ${right} ${column}`),
      ),
    ),
  )
}

/** Tables without a wall: they hold nothing of anybody's. */
export const UNWALLED: readonly string[] = ['migrations']

/**
 * Keys of tables with an `org_id` that do not hold it. The prefix of an API key is looked up before any organisation is
 * known; it is 72 random bits of the server's own choosing, so that nobody can ask with it what is there.
 */
export const KEYS_ALONE: readonly string[] = ['api_keys_prefix_key']
