import type { Principal } from '../directory/principal.ts'
import type { Log } from '../observe/log.ts'

import type { Credential } from './api-key.ts'

/** What Ambit lends to a scheme of its own; a host's function need not look at it. */
export interface IdentityTools {
  authenticateKey(authorization: string | null): Promise<Credential>
  readonly log: Log
}

/** Who sent this request, or null. Null is 401, whatever the reason was. */
export type Authenticate = (request: Request, tools: IdentityTools) => Promise<Principal | null>

/** Ambit's API keys, as `Authorization: Bearer ambit_…`. Why a key was refused goes to the log only. */
export function apiKeys(): Authenticate {
  return async (request, tools) => {
    const credential = await tools.authenticateKey(request.headers.get('authorization'))
    if (credential.ok) return credential.principal
    tools.log.info({ reason: credential.code }, 'credential refused')
    return null
  }
}

