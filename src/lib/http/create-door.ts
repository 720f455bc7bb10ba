import { Hono } from 'hono'
import type { Context } from 'hono'
import type { ChatTarget } from '../directory/directory.ts'
import { isId } from '../directory/principal.ts'
import type { Principal } from '../directory/principal.ts'
import type { Log } from '../observe/log.ts'
import { NOT_FOUND } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Exchange, House } from './exchange.ts'
import { UNAUTHENTICATED, internalProblem, problem } from './problem.ts'
import { OPEN_ROUTES, SCOPED_ROUTES, SCOPE_PREFIXES } from './routes.ts'
import type { Route } from './routes.ts'

export interface DoorOptions {
  readonly basePath: string
  readonly log: Log
  newRequestId(): string
  /** Opens the house at the first request; refuses while it closes, rejects where it cannot be opened. */
  open(): Promise<House | Refusal>
  /** The host's own way to name the target; absent: the path does. */
  readonly target?: ((request: Request, who: Principal) => Promise<ChatTarget | null>) | undefined
}

/** The whole interface as one function of a request. The one error boundary of HTTP is here. */
export function createDoor(options: DoorOptions): (request: Request) => Promise<Response> {
  const app = new Hono()
  const prefixes = options.target ? [''] : SCOPE_PREFIXES
  for (const prefix of prefixes) for (const route of SCOPED_ROUTES) mount(prefix, route)
  for (const route of OPEN_ROUTES) mount('', route)
  app.notFound(async (c) => problem(NOT_FOUND, requestIdOf(c.req.raw, options)))
  return async (request) => app.fetch(request)

  function mount(prefix: string, route: Route): void {
    app.on(route.method, options.basePath + prefix + route.path, (c) => serve(c, route, options))
  }
}

async function serve(c: Context, route: Route, options: DoorOptions): Promise<Response> {
  const exchange = exchangeOf(c, options)
  try {
    const house = await options.open()
    const response = 'ok' in house ? problem(house, exchange.requestId) : await pass(exchange, route, house)
    exchange.log.info({ method: route.method, route: route.path, status: response.status }, 'request')
    return response
  } catch (error) {
    exchange.log.error({ method: route.method, route: route.path, cause: error }, 'request failed')
    return internalProblem(exchange.requestId)
  }
}

/** Stations 1 and 3 for every route that only needs a scope; `chat` walks all of them itself. */
async function pass(exchange: Exchange, route: Route, house: House): Promise<Response> {
  if (route.permission === 'chat' || route.permission === 'none') return route.serve(exchange, house)
  const who = await house.authenticate(exchange.request, exchange.log)
  if (!who) return problem(UNAUTHENTICATED, exchange.requestId)
  const target = await exchange.target(who)
  const context = target ? await house.resolve(who, target, route.permission) : NOT_FOUND
  if (!context.ok) return problem(context, exchange.requestId)
  return route.serve({ ...exchange, who, context }, house)
}

function exchangeOf(c: Context, options: DoorOptions): Exchange {
  const request = c.req.raw
  const params = idsOf(c.req.param())
  const { org, project } = params
  const named = org === undefined ? null : { org, ...(project !== undefined && { project }) }
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

function slugsOf({ org, project }: ChatTarget) {
  return { org_slug: org, project_slug: project }
}

/** The caller's own id of the request, where it has one that is fit to be logged. */
function requestIdOf(request: Request, options: DoorOptions): string {
  const given = request.headers.get('x-request-id')
  return isId(given) ? given : options.newRequestId()
}
