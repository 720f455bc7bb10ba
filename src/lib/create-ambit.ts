import { randomUUID } from 'node:crypto'
import { bindSource } from './context/ask-sources.ts'
import type { ContextSource } from './context/context-source.ts'
import type { NewId } from './directory/new-id.ts'
import type { ChatTarget, Directory } from './directory/directory.ts'
import { ownDirectory } from './directory/own-directory.ts'
import type { Principal } from './directory/principal.ts'
import { createDoor } from './http/create-door.ts'
import type { House } from './http/exchange.ts'
import { identify } from './http/identify.ts'
import { authenticateKey } from './identity/api-key.ts'
import type { Authenticate } from './identity/authenticate.ts'
import type { Cursor } from './journal/cursor.ts'
import type { Frame, Journal } from './journal/journal.ts'
import { memoryJournal } from './journal/memory-journal.ts'
import { DEFAULT_LIMITS } from './limits/limits.ts'
import type { Limits } from './limits/limits.ts'
import { modelRegistry } from './model/model-registry.ts'
import type { ModelOptions, ModelRegistry } from './model/model-registry.ts'
import { createLog } from './observe/log.ts'
import type { Log } from './observe/log.ts'
import type { ChatCommand } from './run/chat-command.ts'
import type { OpenedRun, RunRef } from './run/open-run.ts'
import { STOPPING, startRuns } from './run/start-runs.ts'
import { narrowContext } from './scope/chat-execution-context.ts'
import type { ChatExecutionContext } from './scope/chat-execution-context.ts'
import type { Refusal } from './scope/refusal.ts'
import { resolveChatScope } from './scope/resolve-chat-scope.ts'
import type { ScopeSources } from './scope/resolve-chat-scope.ts'
import { underRolePrefix } from './store/host-scope.ts'
import type { ScopedDatabase } from './store/host-scope.ts'
import { proveHostLogin } from './store/prove-host-login.ts'
import { demandRolePrefix } from './store/role-prefix.ts'
import { readSettings } from './store/settings-rows.ts'
import { isEmbedded, openStore } from './store/store.ts'
import type { Store, StoreSource } from './store/store.ts'
import { createToolbox } from './tools/toolbox.ts'
import type { Toolbox } from './tools/toolbox.ts'
import type { Tool } from './tools/tool.ts'

/** What a host gives. Only `store`, `model` and `authenticate` are needed. */
export interface AmbitOptions<Tx = unknown> extends ModelOptions<ChatExecutionContext> {
  /** Where Ambit's own tables are: a PostgreSQL URL, a pool, or `embeddedStore(directory)`. */
  readonly store: StoreSource
  /** Of Ambit's four roles on the PostgreSQL server (`ambit_`): the one that its schema was migrated with. */
  readonly rolePrefix?: string
  /** At most so many connections at once (10), where `store` is a URL. */
  readonly connections?: number
  /** Who sent a request: `apiKeys()`, `jwt()`, `firstOf()` of several, or the host's own function. */
  readonly authenticate: Authenticate
  /** Names the target of a request; absent, the path does (`/v1/orgs/{org}[/projects/{project}]/…`). */
  readonly target?: (request: Request, who: Principal) => Promise<ChatTarget | null>
  /** Who may see what; absent, Ambit's own tables say. */
  readonly directory?: Directory
  /** The host's own tables, for tools and sources. */
  readonly database?: ScopedDatabase<Tx>
  readonly tools?: readonly Tool<Tx>[]
  readonly sources?: readonly ContextSource<Tx>[]
  /** Said to the model before what the organisation says. */
  readonly instructions?: (context: ChatExecutionContext) => string
  /** Before every path, as `/api`. */
  readonly basePath?: string
  readonly journal?: Journal
  readonly limits?: Partial<Limits>
  readonly log?: Log
  /** This process's name among those on one database; absent, a new one per start. */
  readonly node?: string
}

export interface Ambit {
  /** The whole interface, for any fetch host. */
  fetch(request: Request): Promise<Response>
  resolveChatScope(who: Principal, target: ChatTarget): Promise<ChatExecutionContext | Refusal>
  /** Begins a run without HTTP: for jobs, bots and tests. It goes on whether or not anybody follows. */
  openRun(context: ChatExecutionContext, command: ChatCommand): Promise<OpenedRun | Refusal>
  /** The frames after the cursor (all, without one), to the terminal one. */
  follow(context: ChatExecutionContext, run: RunRef, cursor?: Cursor): AsyncIterable<Frame>
  /** Opens the store, proves its walls, ends what a dead process left behind. Rejects with a StartError. */
  start(): Promise<void>
  /** Takes no more runs, lets running ones finish for `graceMs` (10 s if absent), then ends and closes everything. Asked again, it is the same end. */
  close(options?: { graceMs?: number }): Promise<void>
}

const GRACE_MS = 10_000

/** What is there once the store is open. */
interface Engine {
  readonly house: House
  close(graceMs: number): Promise<void>
}

/**
 * The product: everything else is a listener around `fetch`. Opens nothing when it is made, so that a build may import
 * it; `start()` or the first request opens. Throws at once where an option cannot work (a model or tool name, a role prefix).
 */
export function createAmbit<Tx = unknown>(given: AmbitOptions<Tx>): Ambit {
  const options = withRoles(given)
  const log = options.log ?? createLog({ level: 'info' })
  const models = modelRegistry(options)
  const toolbox = createToolbox(options.tools ?? [], options.database)
  let opening: Promise<Engine> | undefined
  let closed = false
  let closing: Promise<void> | undefined

  const open = (): Promise<Engine> => {
    if (closed) return Promise.reject(new Error('This Ambit is closed.'))
    // A failed opening is tried again by the next request: the database may be back.
    opening ??= openEngine(options, { models, toolbox, log }).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  const door = createDoor({
    basePath: basePathOf(options.basePath ?? ''),
    log,
    newRequestId: () => newId('req'),
    open: async () => (closed ? STOPPING : (await open()).house),
    closing: () => (closed ? STOPPING : null),
    target: options.target,
  })

  return {
    fetch: door,
    resolveChatScope: async (who, target) => (await open()).house.resolve(who, target, 'chat'),
    async openRun(context, command) {
      const { house } = await open()
      // The context may be hours old: this entry asks again, like every other.
      const current = await house.resolve(context.principal, context.target, 'chat')
      return current.ok ? house.openRun(narrowContext(context, current), command, log.child(slugsOf(context))) : current
    },
    async *follow(context, run, cursor) {
      if (cursor && cursor.runId !== run.id) throw new Error('This cursor is of another run.')
      const ending = new AbortController()
      const { house } = await open()
      let ended = false
      try {
        for await (const frames of house.follow(context, run, { after: cursor?.seq ?? 0 }, ending.signal)) {
          ended = frames.at(-1)?.terminal === true
          yield* frames
        }
      } finally {
        ending.abort()
      }
      if (!ended) throw new Error('The frames ended without a terminal one: what this run has read is not this reader’s to see.')
    },
    start: async () => void (await open()),
    close({ graceMs = GRACE_MS } = {}) {
      closed = true
      closing ??= closeEngine(opening, graceMs)
      return closing
    },
  }
}

/** As a route begins: `api/` is `/api`. */
function basePathOf(given: string): string {
  const path = given.replace(/^\/+|\/+$/g, '')
  return path === '' ? '' : `/${path}`
}

/** Ambit's own tables and the host's are behind the same roles. */
function withRoles<Tx>(options: AmbitOptions<Tx>): AmbitOptions<Tx> {
  const { rolePrefix, database, store } = options
  if (rolePrefix === undefined) return options
  if (isEmbedded(store)) throw new Error('A role prefix is for a PostgreSQL server: an embedded database is alone with its roles.')
  demandRolePrefix(rolePrefix)
  return database ? { ...options, database: underRolePrefix(database, rolePrefix) } : options
}

async function closeEngine(opening: Promise<Engine> | undefined, graceMs: number): Promise<void> {
  const engine = await opening?.catch(() => undefined) // what never opened has nothing to close
  await engine?.close(graceMs)
}

/** What was made before anything was opened. */
interface Ready {
  readonly models: ModelRegistry<ChatExecutionContext>
  readonly toolbox: Toolbox
  readonly log: Log
}

async function openEngine<Tx>(options: AmbitOptions<Tx>, ready: Ready): Promise<Engine> {
  const { log } = ready
  const store = await openStore(options.store, (error) => log.warn({ cause: error }, 'an idle database connection was lost'), options)
  try {
    // An embedded database has one login, which is a superuser.
    if (options.database && !store.alone) await proveHostLogin(options.database)
    return await wire(options, ready, store)
  } catch (error) {
    await store.close()
    throw error
  }
}

async function wire<Tx>(options: AmbitOptions<Tx>, { models, toolbox, log }: Ready, store: Store): Promise<Engine> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const journal = options.journal ?? memoryJournal()
  const scope: ScopeSources = {
    directory: options.directory ?? ownDirectory(store),
    settings: (orgId, projectId) => store.lookup((sql) => readSettings(sql, orgId, projectId)),
    models: () => models.allowed,
    modelWaitMs: models.waitMs,
    tools: toolbox.open,
    limits,
  }
  const runs = await startRuns({
    handles: store,
    drive: {
      scoped: store.scoped, journal, models, toolbox, newId,
      scope: { ...scope, modelWaitMs: () => 0 }, // a run that has begun goes on: its next call decides
      sources: (options.sources ?? []).map((source) => bindSource(source, options.database)),
      instructions: options.instructions ?? (() => ''),
    },
    node: { id: options.node ?? (store.alone ? 'embedded' : newId('node')), alone: store.alone },
    log,
  })
  const house: House = {
    scoped: store.scoped,
    lookup: store.lookup,
    limits,
    authenticate: (request, requestLog) =>
      identify(options.authenticate, request, { log: requestLog, authenticateKey: (authorization) => authenticateKey(store, authorization) }),
    resolve: (who, target, permission) => resolveChatScope(scope, who, target, permission),
    openRun: runs.open,
    follow: runs.follow,
    stop: runs.stop,
    ready: () => isReady(store, log),
  }
  return {
    house,
    async close(graceMs) {
      await runs.close(graceMs)
      await journal.close()
      await store.close()
    },
  }
}

async function isReady(store: Store, log: Log): Promise<boolean> {
  try {
    await store.lookup((sql) => sql.query('select 1'))
    return true
  } catch (error) {
    log.warn({ cause: error }, 'the database cannot be reached')
    return false
  }
}

function slugsOf(context: ChatExecutionContext) {
  return { org_slug: context.org.slug, project_slug: context.project?.slug }
}

/** Unguessable, and sorted by nothing: ids are keys, not clocks. */
const newId: NewId = (kind) => `${kind}_${randomUUID().replaceAll('-', '')}`
