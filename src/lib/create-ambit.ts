import { randomUUID } from 'node:crypto'
import type { NewId } from './directory/new-id.ts'
import type { ChatTarget } from './directory/directory.ts'
import type { Principal } from './directory/principal.ts'
import { createDoor } from './http/create-door.ts'
import type { Cursor } from './journal/cursor.ts'
import { FROM_THE_START } from './journal/follow-run.ts'
import type { Frame } from './journal/journal.ts'
import { modelRegistry } from './model/model-registry.ts'
import { createLog } from './observe/log.ts'
import { NO_METRICS } from './observe/metrics.ts'
import { createPrometheus } from './observe/prometheus.ts'
import type { ChatCommand } from './run/chat-command.ts'
import { openEngine } from './open-engine.ts'
import type { AmbitOptions, Drive, Engine } from './open-engine.ts'
import type { OpenedRun, RunRef } from './run/open-run.ts'
import { STOPPING } from './run/start-runs.ts'
import { narrowContext } from './scope/chat-execution-context.ts'
import type { ChatExecutionContext } from './scope/chat-execution-context.ts'
import type { Refusal } from './scope/refusal.ts'
import { explainDatabase } from './store/explain-database.ts'
import { underRolePrefix } from './store/host-scope.ts'
import { demandRolePrefix } from './store/role-prefix.ts'
import { StartError } from './store/start-error.ts'
import { isEmbedded } from './store/store.ts'
import { createToolbox } from './tools/toolbox.ts'

export interface Ambit {
  readonly basePath: string
  readonly drive: Drive
  /** The whole interface, for any fetch host. */
  fetch(request: Request): Promise<Response>
  resolveChatScope(who: Principal, target: ChatTarget): Promise<ChatExecutionContext | Refusal>
  /** Begins a run without HTTP: for jobs, bots and tests. It goes on whether or not anybody follows. */
  openRun(context: ChatExecutionContext, command: ChatCommand): Promise<OpenedRun | Refusal>
  /** The frames after the cursor (all, without one), to the terminal one. */
  follow(context: ChatExecutionContext, run: RunRef, cursor?: Cursor): AsyncIterable<Frame>
  /** Opens the store, proves its walls, goes on with what a dead process left behind. `drive` says otherwise than the options. Rejects with a StartError. */
  start(options?: { drive?: Drive }): Promise<void>
  /** Takes no more runs, lets running ones finish for `graceMs` (10 s if absent), hands over what is left, and closes everything. Asked again, it is the same end. */
  close(options?: { graceMs?: number }): Promise<void>
}

const GRACE_MS = 10_000
const LEAST_LEASE_MS = 1_000

/**
 * The product: everything else is a listener around `fetch`. Opens nothing when it is made, so that a build may import
 * it; `start()` or the first request opens. Throws at once where an option cannot work (a model or tool name, a role prefix).
 */
export function createAmbit<Tx = unknown>(given: AmbitOptions<Tx>): Ambit {
  const options = withRoles(given)
  const log = options.log ?? createLog({ level: 'info' })
  const prometheus = options.metrics ? createPrometheus() : null
  const metrics = prometheus ?? NO_METRICS
  const models = modelRegistry(options, {}, metrics)
  const toolbox = createToolbox(options.tools ?? [], options.database)
  let opening: Promise<Engine> | undefined
  let closed = false
  let closing: Promise<void> | undefined

  const open = (drive: Drive = options.drive ?? 'here'): Promise<Engine> => {
    if (closed) return Promise.reject(new Error('This Ambit is closed.'))
    // A failed opening is tried again by the next request: the database may be back.
    opening ??= openEngine({ ...options, drive }, { models, toolbox, log, metrics, newId }).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  const basePath = basePathOf(options.basePath ?? '')
  const door = createDoor({
    basePath,
    log,
    newRequestId: () => newId('req'),
    open: async () => (closed ? STOPPING : (await open()).house),
    closing: () => (closed ? STOPPING : null),
    metrics,
    metricsText: () => prometheus?.text() ?? null,
    target: options.target,
    signIn: options.authenticate.signIn !== undefined,
    console: options.console,
  })

  return {
    basePath,
    drive: options.drive ?? 'here',
    fetch: door,
    resolveChatScope: async (who, target) => (await open()).house.resolveCallable(who, target, 'chat'),
    async openRun(context, command) {
      const { house } = await open()
      // The context may be hours old: this entry asks again, like every other.
      const current = await house.resolveAgain(context.principal, context.target, 'chat')
      return current.ok ? house.openRun(narrowContext(context, current), command, log.child(slugsOf(context))) : current
    },
    async *follow(context, run, cursor) {
      if (cursor && cursor.runId !== run.id) throw new Error('This cursor is of another run.')
      const ending = new AbortController()
      const { house } = await open()
      let ended = false
      try {
        for await (const frames of house.follow(context, run, { after: cursor ?? FROM_THE_START }, ending.signal)) {
          ended = frames.at(-1)?.terminal === true
          yield* frames
        }
      } finally {
        ending.abort()
      }
      if (!ended) throw new Error('The frames ended without a terminal one: what this run has read is not this reader’s to see.')
    },
    start: async ({ drive } = {}) => void (await open(drive).catch(tellDatabase)),
    close({ graceMs = GRACE_MS } = {}) {
      closed = true
      closing ??= closeEngine(opening, graceMs).finally(() => prometheus?.close())
      return closing
    },
  }
}

/** Whoever starts is told in a sentence what to do about a database that is away, or lets nobody in; a request has its own answer for that. */
function tellDatabase(error: unknown): never {
  const said = explainDatabase(error)
  throw said === null ? error : new StartError('no_database', said, error)
}

/** As a route begins: `api/` is `/api`. */
function basePathOf(given: string): string {
  const path = given.replace(/^\/+|\/+$/g, '')
  return path === '' ? '' : `/${path}`
}

/** Ambit's own tables and the host's are behind the same roles. */
function withRoles<Tx>(options: AmbitOptions<Tx>): AmbitOptions<Tx> {
  const { rolePrefix, database, store, leaseMs = LEAST_LEASE_MS } = options
  if (!(leaseMs >= LEAST_LEASE_MS)) throw new Error(`leaseMs is ${leaseMs}: a lease of less than ${LEAST_LEASE_MS} ms would be lost to any pause of the process.`)
  if (rolePrefix === undefined) return options
  if (isEmbedded(store)) throw new Error('A role prefix is for a PostgreSQL server: an embedded database is alone with its roles.')
  demandRolePrefix(rolePrefix)
  return database ? { ...options, database: underRolePrefix(database, rolePrefix) } : options
}

async function closeEngine(opening: Promise<Engine> | undefined, graceMs: number): Promise<void> {
  const engine = await opening?.catch(() => undefined) // what never opened has nothing to close
  await engine?.close(graceMs)
}

function slugsOf(context: ChatExecutionContext) {
  return { org_slug: context.org.slug, project_slug: context.project?.slug }
}

/** Unguessable, and sorted by nothing: ids are keys, not clocks. */
const newId: NewId = (kind) => `${kind}_${randomUUID().replaceAll('-', '')}`
