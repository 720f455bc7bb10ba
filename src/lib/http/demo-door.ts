import { z } from 'zod'
import { isSameOrigin } from '../identity/same-origin.ts'
import type { Log } from '../observe/log.ts'
import { NOT_FOUND } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { isFromHere } from './is-from-here.ts'
import { parseBody } from './parse-body.ts'
import { internalProblem, problem } from './problem.ts'
import { json } from './respond.ts'

const DEMO_PATH = '/_demo/'

/** Somebody of the demo, as the page shows them to choose from. */
export interface DemoPersonShown {
  readonly id: string
  readonly name: string
  readonly org: string
  /** `none`: in projects only. */
  readonly role: string
  readonly projects: readonly string[]
}

export interface DemoDoorOptions {
  readonly people: readonly (DemoPersonShown & { readonly key: string })[]
  readonly log: Log
  newRequestId(): string
  /** The interface: it signs in, here as elsewhere. */
  fetch(request: Request): Promise<Response>
}

const signInSchema = z.object({ person: z.string().max(200) })

/**
 * Signing in as somebody of the demo without their key, which lies in a file of this machine's user anyway: for requests from this machine, and for pages of
 * this server. From elsewhere, and at any other address below it, the door is not there.
 */
export function createDemoDoor(options: DemoDoorOptions): (request: Request, peer: string | undefined) => Promise<Response> {
  return async (request, peer) => {
    const requestId = options.newRequestId()
    const log = options.log.child({ request_id: requestId })
    try {
      const answer = isFromHere(request, peer) && isSameOrigin(request) ? await serve(request, requestId, options) : NOT_FOUND
      return answer instanceof Response ? answer : problem(answer, requestId)
    } catch (error) {
      log.error({ cause: error }, 'demo request failed')
      return internalProblem(requestId)
    }
  }
}

export function isDemoRequest(request: Request): boolean {
  return new URL(request.url).pathname.startsWith(DEMO_PATH)
}

async function serve(request: Request, requestId: string, { people, fetch }: DemoDoorOptions): Promise<Response | Refusal> {
  const asked = `${request.method} ${new URL(request.url).pathname}`
  if (asked === `GET ${DEMO_PATH}people`) {
    return json<{ people: readonly DemoPersonShown[] }>({ people: people.map(({ id, name, org, role, projects }) => ({ id, name, org, role, projects })) }, requestId)
  }
  if (asked !== `POST ${DEMO_PATH}sign-in`) return NOT_FOUND
  const parsed = await parseBody(request, signInSchema)
  if (!parsed.ok) return parsed
  const { person } = parsed.body as z.output<typeof signInSchema>
  const known = people.find(({ id }) => id === person)
  return known ? fetch(signInRequest(request, known.key, requestId)) : NOT_FOUND
}

/** What the person's own browser would send: the same cookie, from the same page. */
function signInRequest({ url, headers: sent }: Request, key: string, requestId: string): Request {
  const headers = new Headers({ 'content-type': 'application/json', 'x-request-id': requestId })
  for (const name of ['host', 'origin', 'sec-fetch-site', 'cookie']) {
    const value = sent.get(name)
    if (value !== null) headers.set(name, value)
  }
  return new Request(new URL('/v1/sign-in', url), { method: 'POST', headers, body: JSON.stringify({ key }) })
}
