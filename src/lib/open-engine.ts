import { bindSource } from './context/ask-sources.ts'
import type { ContextSource } from './context/context-source.ts'
import type { ChatTarget, Directory } from './directory/directory.ts'
import type { NewId } from './directory/new-id.ts'
import { ownDirectory } from './directory/own-directory.ts'
import type { Principal } from './directory/principal.ts'
import type { Console } from './http/console-pages.ts'
import type { House } from './http/exchange.ts'
import { identify } from './http/identify.ts'
import { createOpenStreams } from './http/open-streams.ts'
import { authenticateKey } from './identity/api-key.ts'
import { authenticateSignIn, signIn, signOut } from './identity/sign-in.ts'
import type { Authenticate } from './identity/authenticate.ts'
import { credentialHolds } from './identity/credential-holds.ts'
import type { Journal } from './journal/journal.ts'
import { memoryJournal } from './journal/memory-journal.ts'
import { DEFAULT_LIMITS } from './limits/limits.ts'
import type { Limits } from './limits/limits.ts'
import type { ModelOptions, ModelRegistry } from './model/model-registry.ts'
import type { Log } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import { createScopeEvents } from './run/scope-events.ts'
import { startRuns } from './run/start-runs.ts'
import type { ChatExecutionContext } from './scope/chat-execution-context.ts'
import { resolveChatScope } from './scope/resolve-chat-scope.ts'
import type { ScopeSources } from './scope/resolve-chat-scope.ts'
import { createScopeWatch } from './scope/watch-scopes.ts'
import type { ScopedDatabase } from './store/host-scope.ts'
import { proveHostLogin } from './store/prove-host-login.ts'
import { readSettings } from './store/settings-rows.ts'
import { openStore } from './store/store.ts'
import type { Store, StoreSource } from './store/store.ts'
import { timedHandles } from './store/timed-handles.ts'
import type { Tool } from './tools/tool.ts'
import type { Toolbox } from './tools/toolbox.ts'

const LEASE_MS = 5_000

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
  /** The web console beside the interface: `consoleAt('/assistant')` of `ambit/console`. Absent, there is none. */
  readonly console?: Console
  /** Where what is said live goes: absent, this process; `redisJournal()` shows it to other nodes, token by token. */
  readonly journal?: Journal
  /**
   * Who drives the runs that are opened here: `here` (if absent), this process; `elsewhere`, a worker on the same database
   * (`ambit worker`), for functions with a time limit: the function ends, its client comes back, and the run never notices.
   */
  readonly drive?: Drive
  readonly limits?: Partial<Limits>
  readonly log?: Log
  /** Whether what happens here is counted, and shown to whoever asks `GET /metrics` (false). */
  readonly metrics?: boolean
  /** This process's name among those on one database; absent, a new one per start. No two may have the same. */
  readonly node?: string
  /** Milliseconds without a sign of life of a node until others take its runs (5,000; at least 1,000). */
  readonly leaseMs?: number
}

export type Drive = 'here' | 'elsewhere'

/** What is there once the store is open. */
export interface Engine {
  /**
   * `resolveAgain` is for a principal whose credential was not checked a moment ago.
   */
  readonly house: House & { readonly resolveAgain: House['resolve'] }
  close(graceMs: number): Promise<void>
}

/** What was made before anything was opened. */
export interface Ready {
  readonly models: ModelRegistry<ChatExecutionContext>
  readonly toolbox: Toolbox
  readonly log: Log
  readonly metrics: Metrics
  readonly newId: NewId
}

export async function openEngine<Tx>(options: AmbitOptions<Tx>, ready: Ready): Promise<Engine> {
  const { log, metrics } = ready
  const opened = await openStore(options.store, (error) => log.warn({ cause: error }, 'an idle database connection was lost'), options)
  const store: Store = { ...opened, ...timedHandles(opened, metrics) }
  try {
    // An embedded database has one login, which is a superuser.
    if (options.database && !store.alone) await proveHostLogin(options.database)
    return await wire(options, ready, store)
  } catch (error) {
    await store.close()
    throw error
  }
}

async function wire<Tx>(options: AmbitOptions<Tx>, { models, toolbox, log, metrics, newId }: Ready, store: Store): Promise<Engine> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const journal = options.journal ?? memoryJournal()
  journal.onFailure?.(metrics.journalFailed)
  const directory = options.directory ?? ownDirectory(store)
  const scope: ScopeSources = {
    directory,
    settings: (orgId, projectId) => store.lookup((sql) => readSettings(sql, orgId, projectId)),
    models: () => models.allowed,
    modelWaitMs: models.waitMs,
    tools: toolbox.open,
    limits,
  }
  // Of those who are not at the door any more: whether their credential is still good is asked, too.
  const again: ScopeSources = { ...scope, credentialHolds: (who) => credentialHolds(store, who) }
  const underWay: ScopeSources = { ...again, modelWaitMs: () => 0 } // a run that has begun goes on: its next call decides
  const atDoor: ScopeSources = { ...scope, modelWaitMs: () => 0 } // whoever opens a run asks for its model: a retry needs none
  const scopes = createScopeWatch({ resolve: resolveChatScope.bind(null, underWay), everyMs: limits.scopeMs, log })
  const events = createScopeEvents({ ...store, watch: scopes, log })
  const runs = await startRuns({
    handles: store,
    drive: {
      scoped: store.scoped, journal, models, toolbox, newId, scopes, metrics, scope: underWay,
      sources: (options.sources ?? []).map((source) => bindSource(source, options.database)),
      instructions: options.instructions ?? (() => ''),
    },
    events,
    node: {
      id: options.node ?? (store.alone ? 'embedded' : newId('node')),
      alone: store.alone,
      leaseMs: options.leaseMs ?? LEASE_MS,
      drives: options.drive !== 'elsewhere',
    },
    log,
  })
  const house: Engine['house'] = {
    scoped: store.scoped,
    lookup: store.lookup,
    limits,
    newId,
    streams: createOpenStreams(metrics),
    events,
    directory,
    keepsDirectory: options.directory === undefined,
    takesImages: models.takesImages,
    signIns: signInsOf(options.authenticate, store),
    authenticate: (request, requestLog) =>
      identify(options.authenticate, request, {
        log: requestLog,
        authenticateKey: (authorization) => authenticateKey(store, authorization),
        authenticateSignIn: (secrets) => authenticateSignIn(store, secrets),
      }),
    resolve: resolveChatScope.bind(null, atDoor),
    resolveAgain: resolveChatScope.bind(null, underWay),
    resolveCallable: resolveChatScope.bind(null, scope),
    tools: (context) => toolbox.bind(context, store).map(({ name, description, effect }) => ({ name, description, effect })),
    openRun: runs.open,
    follow: runs.follow,
    stop: runs.stop,
    ready: () => isReady(store, log),
  }
  return {
    house,
    async close(graceMs) {
      log.info({ grace_ms: graceMs }, 'stopping')
      await runs.close(graceMs)
      await events.close()
      scopes.close()
      await journal.close()
      await store.close()
    },
  }
}

function signInsOf({ signIn: terms }: Authenticate, store: Store): House['signIns'] {
  if (!terms) return null
  return { begin: (key, before) => signIn(store, key, before), end: (secrets) => signOut(store, secrets), secureCookie: terms.secureCookie }
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

