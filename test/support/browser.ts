import type { Ambit } from '../../src/index.ts'
import { checked } from './check-answers.ts'

/** How a browser asks: with its cookie, and with what it says of the page that asks. */
export interface Visit {
  readonly method?: string
  readonly body?: unknown
  /** Over what is sent by itself; null: not sent. */
  readonly headers?: Readonly<Record<string, string | null>>
  readonly cookie?: string | null | undefined
}

export const ORIGIN = 'http://ambit.test'

/** Every answer repeats it, so that equal answers are equal bytes. */
const REQUEST_ID = 'req-of-a-browser'

/** A request of a page of this very origin, in a browser that sends `Origin` and no `Sec-Fetch-Site`: plain http in a network. */
export function visit(ambit: Pick<Ambit, 'fetch'>, path: string, { method = 'GET', body, headers = {}, cookie = null }: Visit = {}): Promise<Response> {
  const url = new URL(path, ORIGIN)
  const all = {
    'x-request-id': REQUEST_ID, host: url.host, cookie,
    origin: method === 'GET' ? null : url.origin, 'content-type': body === undefined ? null : 'application/json', ...headers,
  }
  const sent = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [[name, value] as [string, string]]))
  return checked(ambit).fetch(new Request(url, { method, headers: sent, ...(body !== undefined && { body: JSON.stringify(body) }) }))
}

/** Signs in, and answers the cookie as a browser would send it from then on. */
export async function signInWith(ambit: Pick<Ambit, 'fetch'>, key: string, how: Visit = {}): Promise<string> {
  const response = await visit(ambit, '/v1/sign-in', { method: 'POST', body: { key }, ...how })
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  return cookieOf(response)
}

export function cookieOf(response: Response): string {
  const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';')
  return cookie
}
