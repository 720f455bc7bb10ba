import { createHash, timingSafeEqual } from 'node:crypto'
import type { Log } from '../observe/log.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { isFromHere } from './is-from-here.ts'
import { internalProblem, problem } from './problem.ts'
import { readJson } from './read-json.ts'
import { json } from './respond.ts'

export const OPERATOR_PATH = '/_operator/'

export interface OperatorDoorOptions {
  /** Known to whoever may read the server's note, which is whoever may read its database. */
  readonly secret: string
  readonly log: Log
  newRequestId(): string
  /** Does a piece of operator work by its name; null where there is no such work. */
  perform(work: string, body: unknown): Promise<{ readonly ok: true } | Refusal | null>
}

const BODY_BYTES = 100_000
const WRONG_SECRET = refuse('unauthenticated', 'This is not the secret of the running server. It is new at each start: read server.json again.')

/**
 * Operator work over HTTP, for the commands beside a server whose embedded database only it can open. It is a wall besides the
 * secret that the request comes from this machine: from elsewhere the door is not there.
 */
export function createOperatorDoor(options: OperatorDoorOptions): (request: Request, peer: string | undefined) => Promise<Response> {
  const expected = sha256(`Bearer ${options.secret}`)
  return async (request, peer) => {
    const requestId = options.newRequestId()
    const work = new URL(request.url).pathname.slice(OPERATOR_PATH.length)
    const log = options.log.child({ request_id: requestId, operator_work: work })
    try {
      const refusal = refuseStranger(request, peer, expected)
      const answer = refusal ?? (await pass(request, work, options))
      log.info({ refused: answer.ok ? undefined : answer.code }, 'operator request')
      return answer.ok ? json<{ ok: true }>(answer, requestId) : problem(answer, requestId)
    } catch (error) {
      log.error({ cause: error }, 'operator request failed')
      return internalProblem(requestId)
    }
  }
}

export function isOperatorRequest(request: Request): boolean {
  return new URL(request.url).pathname.startsWith(OPERATOR_PATH)
}

function refuseStranger(request: Request, peer: string | undefined, expected: Buffer): Refusal | null {
  if (!isFromHere(request, peer)) return NOT_FOUND
  return timingSafeEqual(sha256(request.headers.get('authorization') ?? ''), expected) ? null : WRONG_SECRET
}

async function pass(request: Request, work: string, { perform }: OperatorDoorOptions): Promise<{ readonly ok: true } | Refusal> {
  if (request.method !== 'POST') return NOT_FOUND
  const body = await readJson(request, BODY_BYTES)
  return body.ok ? ((await perform(work, body.value)) ?? NOT_FOUND) : body
}

/** Of equal length whatever the text, as the comparison needs it. */
function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
