import { AmbitError, readRefusal, unreadable } from '../../../src/lib/client/ambit-error.ts'
import { home } from '../home.ts'
import type { Place } from '../address/address.ts'

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly query?: Readonly<Record<string, string | number | null | undefined>>
  /** Sent as JSON; a Blob as what it is. */
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/** The beginning of every path of a place. */
export function pathOf(place: Place | null): string {
  if (place === null) return ''
  const org = `/v1/orgs/${encodeURIComponent(place.org)}`
  return place.project === undefined ? org : `${org}/projects/${encodeURIComponent(place.project)}`
}

/** Asks the interface, and gives what the answer holds (undefined, where it holds nothing). All else is thrown as an `AmbitError`, whose message may be shown. */
export async function ask<Answer>(path: string, question: Question = {}): Promise<Answer> {
  const response = await send(path, question)
  if (!response.ok) throw await readRefusal(response)
  if (response.status === 204) return undefined as Answer
  try {
    return (await response.json()) as Answer
  } catch (error) {
    question.signal?.throwIfAborted()
    throw unreadable(response, error)
  }
}

/** Asks, and gives the answer as it begins, good or not. Where none comes, it throws `unreachable`. */
export async function send(path: string, { method = 'GET', query = {}, body, signal }: Question): Promise<Response> {
  const given = Object.entries(query).flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, String(value)]]))
  const search = new URLSearchParams(given).toString()
  const blob = body instanceof Blob
  try {
    return await fetch(`${home.api}${path}${search === '' ? '' : `?${search}`}`, {
      method,
      ...(body !== undefined && { body: blob ? body : JSON.stringify(body), headers: { 'content-type': blob ? body.type : 'application/json' } }),
      ...(signal && { signal }),
    })
  } catch (error) {
    signal?.throwIfAborted()
    throw new AmbitError({ code: 'unreachable', detail: 'The server cannot be reached. Check the connection; the page goes on by itself when it is back.', cause: error })
  }
}
