import { z } from 'zod'
import { isSameOrigin } from '../identity/same-origin.ts'
import { noSignInCookie, signInCookie, signInSecrets } from '../identity/sign-in-cookie.ts'
import type { CookieTerms } from '../identity/sign-in-cookie.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Exchange } from './exchange.ts'
import { describeMe, meSchema } from './me-routes.ts'
import type { Me } from './me-routes.ts'
import type { Door } from './open-routes.ts'
import { documented } from './operation.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { parseBody } from './parse-body.ts'
import { UNAUTHENTICATED, problem } from './problem.ts'
import { json, noContent } from './respond.ts'

const signInSchema = z.object({ key: z.string().max(200) }).register(documented, { id: 'SignIn' })

export const signInOperation = {
  id: 'signIn',
  summary: 'Exchanges an API key for a cookie, which browsers send and scripts cannot read.',
  open: true,
  body: signInSchema,
  answers: { 200: meSchema },
  refuses: ['malformed', 'too_large', 'unsupported_media_type', 'unauthenticated', 'forbidden', 'not_found', 'unavailable'],
} satisfies Operation

export const signOutOperation = {
  id: 'signOut',
  summary: 'Ends the sign-in of this browser, if there is one.',
  open: true,
  answers: { 204: 'nothing' },
  refuses: ['forbidden', 'not_found', 'unavailable'],
} satisfies Operation

/** Else a page of another site could sign a person in as somebody else, and read later what they said, or sign them out. */
const CROSS_ORIGIN = refuse('forbidden', 'Sign in and out from a page of this very address: by its https address, or with the same name and port in "Origin" and "Host".')

/** `POST /v1/sign-in`: there where the host's `authenticate` takes what it gives. */
export async function postSignIn(exchange: Exchange, { open, basePath }: Door): Promise<Answer<typeof signInOperation>> {
  const { request, requestId } = exchange
  const house = await open()
  if ('ok' in house) return problem(house, requestId)
  const { signIns } = house
  if (!signIns) return problem(NOT_FOUND, requestId)
  if (!isSameOrigin(request)) return problem(CROSS_ORIGIN, requestId)
  const parsed = await parseBody(request, signInSchema)
  if (!parsed.ok) return problem(parsed, requestId)
  const { key } = parsed.body as BodyOf<typeof signInOperation>
  const signedIn = await signIns.begin(key, signInSecrets(request))
  if (!signedIn.ok) {
    exchange.log.info({ reason: signedIn.code }, 'credential refused')
    return problem(UNAUTHENTICATED, requestId)
  }
  const { principal, secret } = signedIn
  exchange.log.info({ subject: principal.subject }, 'signed in')
  const answer = json<Me>(await describeMe(principal, house), requestId)
  answer.headers.append('set-cookie', signInCookie(secret, termsOf(request, basePath, signIns.secureCookie)))
  return answer
}

/** `DELETE /v1/sign-in`: also where nobody is signed in. */
export async function deleteSignIn(exchange: Exchange, { open, basePath }: Door): Promise<Answer<typeof signOutOperation>> {
  const { request, requestId } = exchange
  const house = await open()
  if ('ok' in house) return problem(house, requestId)
  const { signIns } = house
  if (!signIns) return problem(NOT_FOUND, requestId)
  if (!isSameOrigin(request)) return problem(CROSS_ORIGIN, requestId)
  await signIns.end(signInSecrets(request))
  const answer = noContent(requestId)
  answer.headers.append('set-cookie', noSignInCookie(termsOf(request, basePath, signIns.secureCookie)))
  return answer
}

/** No header says whether it was https: anybody can write one. */
function termsOf({ url }: Request, basePath: string, secureCookie: boolean | undefined): CookieTerms {
  return { basePath, secure: secureCookie ?? new URL(url).protocol === 'https:' }
}
