import { Hono } from 'hono'
import type { Context } from 'hono'
import type { ChatTarget } from '../directory/directory.ts'
import { isId } from '../directory/principal.ts'
import type { Principal } from '../directory/principal.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { isUnavailable } from '../store/unavailable.ts'
import { isSamePath } from './console-pages.ts'
import type { Console } from './console-pages.ts'
import type { Exchange, House } from './exchange.ts'
import { openApiDocument } from './openapi.ts'
import type { OpenApiDocument } from './openapi.ts'
import { internalProblem, problem } from './problem.ts'
import { takeBody } from './parse-body.ts'
import { OPEN_ROUTES, SCOPED_ROUTES, SCOPE_PREFIXES, prefixesOf } from './routes.ts'
import type { ScopedRoute } from './routes.ts'

export interface DoorOptions {
  readonly basePath: string
  readonly log: Log
  newRequestId(): string
  /** Opens the house at the first request; refuses while it closes, rejects where it cannot be opened. */
  open(): Promise<House | Refusal>
  /** Null while it does not close: a request that had passed the door finds a closed store, which is no fault. */
  closing(): Refusal | null
  readonly metrics: Metrics
  /** What was counted, as text; null where nothing is. */
  metricsText(): Promise<string> | null
  /** The host's own way to name the target; absent: the path does. */
  readonly target?: ((request: Request, who: Principal) => Promise<ChatTarget | null>) | undefined
  /** Whether a browser can sign in with a key. */
  readonly signIn: boolean
  /** Its pages, where there are to be any. */
  readonly console?: Console | undefined
}

/** Also where the commit was lost with its word: the same request again finds what it began. */
const AWAY = refuse('unavailable', 'The database does not answer at the moment. Send the same request again in a few seconds.', { retry_after: 5 })

/** Asked every few seconds on every node: where all is well they are counted, and not told. */
const PROBES: ReadonlySet<string> = new Set(['GET /health/live', 'GET /health/ready', 'GET /metrics'])

/** The whole interface as one function of a request. The one error boundary of HTTP is here. */
export function createDoor(options: DoorOptions): (request: Request) => Promise<Response> {
  if (options.target && options.console && isSamePath(options.basePath, options.console.path)) {
    throw new Error(`With a target, the console cannot share its path "${options.console.path}" with the interface: both would have ${options.basePath}/documents. Give basePath, or another path to consoleAt().`)
  }
  const app = new Hono()
  const prefixes = options.target ? [''] : SCOPE_PREFIXES
  for (const route of SCOPED_ROUTES) {
    for (const prefix of prefixesOf(route, prefixes)) mount(route, prefix + route.path, (exchange) => serveScoped(exchange, route, options))
  }
  let document: OpenApiDocument | undefined
  const door = { open: options.open, basePath: options.basePath, metrics: options.metricsText, document: () => (document ??= openApiDocument({ basePath: options.basePath, prefixes })) }
  for (const route of OPEN_ROUTES) mount(route, route.path, (exchange) => route.serve(exchange, door))
  app.notFound(async (c) => problem(NOT_FOUND, requestIdOf(c.req.raw, options)))
  const home = { basePath: options.basePath, places: options.target ? 'host' : 'path', signIn: options.signIn } as const
  return async (request) => (await servePage(request)) ?? app.fetch(request)

  async function servePage(request: Request): Promise<Response | null> {
    try {
      return (await options.console?.answer(request, home)) ?? null
    } catch (error) {
      const requestId = requestIdOf(request, options)
      options.log.error({ request_id: requestId, cause: error }, 'the console cannot be served')
      return internalProblem(requestId)
    }
  }

  function mount(route: { readonly method: string }, path: string, serve: (exchange: Exchange) => Promise<Response>): void {
    app.on(route.method, options.basePath + path, (c) => withinBoundary(exchangeOf(c, options), `${route.method} ${path}`, serve, options))
  }
}

async function withinBoundary(
  exchange: Exchange,
  route: string,
  serve: (exchange: Exchange) => Promise<Response>,
  options: DoorOptions,
): Promise<Response> {
  const response = await answerOf(exchange, route, serve, options)
  options.metrics.answered({ route, status: response.status })
  return response
}

async function answerOf(
  exchange: Exchange,
  route: string,
  serve: (exchange: Exchange) => Promise<Response>,
  { closing }: DoorOptions,
): Promise<Response> {
  try {
    const response = await serve(exchange)
    const { status } = response
    if (status >= 300 || !PROBES.has(route)) exchange.log.info({ route, status }, 'request')
    return response
  } catch (error) {
    const refusal = closing()
    if (refusal) {
      exchange.log.warn({ route, cause: error }, 'request cut off: the server is closing')
      return problem(refusal, exchange.requestId)
    }
    if (isUnavailable(error)) {
      exchange.log.warn({ route, cause: error }, 'request refused: the database is away')
      return problem(AWAY, exchange.requestId)
    }
    exchange.log.error({ route, cause: error }, 'request failed')
    return internalProblem(exchange.requestId)
  }
}

/** Stations 1 to 3 for every route that needs no more than a scope and a small body; `chat` walks all of them itself. */
async function serveScoped(exchange: Exchange, route: ScopedRoute, { open }: DoorOptions): Promise<Response> {
  const { request, requestId } = exchange
  const house = await open()
  if ('ok' in house) return problem(house, requestId)
  if (route.permission === 'chat') return route.serve(exchange, house)
  const who = await house.authenticate(request, exchange.log)
  if ('ok' in who) return problem(who, requestId)
  const parsed = await takeBody(request, route.operation, house.limits)
  if (!parsed.ok) return problem(parsed, requestId)
  const target = route.directory && !house.keepsDirectory ? null : await exchange.target(who)
  const context = target ? await house.resolve(who, target, route.permission) : NOT_FOUND
  if (!context.ok) return problem(context, requestId)
  return route.serve(Object.assign(exchange, { who, context, body: parsed.body }), house) // not a copy: what the log says from now on, it says of the request
}

function exchangeOf(c: Context, options: DoorOptions): Exchange {
  const request = c.req.raw
  const given: Readonly<Record<string, string>> = c.req.param()
  const params = idsOf(given)
  const named = targetOf(given)
  const requestId = requestIdOf(request, options)
  const requestLog = options.log.child({ request_id: requestId })
  const exchange = {
    request,
    requestId,
    log: named ? requestLog.child(slugsOf(named)) : requestLog,
    params,
    query: new URL(request.url).searchParams,
    async target(who: Principal) {
      if (!options.target) return named
      const target = await options.target(request, who)
      // Named by the host and not by the path: from here on the log says it too.
      if (target) exchange.log = requestLog.child(slugsOf(target))
      return target
    },
  }
  return exchange
}

/** What cannot be an id names nothing: it is dropped here, and neither a query nor the log ever sees it. */
function idsOf(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => isId(value)))
}

/** Named by the path: whole or not at all. Without a project that cannot be one, the address would be the organisation's. */
function targetOf({ org, project }: Readonly<Record<string, string>>): ChatTarget | null {
  if (!isId(org) || (project !== undefined && !isId(project))) return null
  return { org, ...(project !== undefined && { project }) }
}

function slugsOf({ org, project }: ChatTarget) {
  return { org_slug: org, project_slug: project }
}

/** The caller's own id of the request, where it has one that is fit to be logged. */
function requestIdOf(request: Request, options: DoorOptions): string {
  const given = request.headers.get('x-request-id')
  return isId(given) ? given : options.newRequestId()
}
