import type { Principal } from '../directory/principal.ts'
import type { Authenticate, IdentityTools } from '../identity/authenticate.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { UNAUTHENTICATED } from './problem.ts'

const RETRY_AFTER_S = 5

const UNCHECKED = refuse('unavailable', 'Who you are cannot be checked at the moment. Try again in a few seconds; the credential may be good.', {
  retry_after: RETRY_AFTER_S,
})

/** Who asks, or the refusal. Why a credential is not good is said to the log, here only: outside, all of them look alike. */
export async function identify(authenticate: Authenticate, request: Request, tools: IdentityTools): Promise<Principal | Refusal> {
  const answer = await authenticate(request, tools)
  if (answer && !('ok' in answer)) return answer
  const { code, reason, claim, cause } = answer ?? { code: 'not_mine', reason: 'not_recognised' }
  if (code === 'unavailable') {
    tools.log.warn({ reason, cause }, 'credential not checked')
    return UNCHECKED
  }
  tools.log.info({ reason, claim }, 'credential refused')
  return UNAUTHENTICATED
}
