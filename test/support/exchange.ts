import type { Ambit } from '../../src/index.ts'
import { checked } from './check-answers.ts'

/** A request, as an HTTP client of any kind would send it. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly authorization?: string | undefined
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Every request of the tests that compare answers: an answer repeats it, so equal answers are equal bytes. */
const REQUEST_ID = 'req-of-a-test'

export function exchange(ambit: Ambit, { method, path, authorization, body, headers }: Asked): Promise<Response> {
  return checked(ambit).fetch(
    new Request(`http://ambit.test${path}`, {
      method,
      headers: {
        'x-request-id': REQUEST_ID,
        ...(authorization !== undefined && { authorization }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
  )
}

/** All that a caller can see of an answer. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
}
