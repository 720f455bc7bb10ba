import { apiKeys, firstOf } from '../identity/authenticate.ts'
import type { Authenticate } from '../identity/authenticate.ts'
import { jwt } from '../identity/jwt.ts'
import { badSetting } from './settings.ts'
import type { Settings } from './settings.ts'

/** API keys, and beside them the tokens of the issuer that the settings name. Throws a StartError where they name none that can work. */
export function authenticateOf({ jwt: options }: Settings): Authenticate {
  if (!options) return apiKeys()
  try {
    return firstOf(apiKeys(), jwt(options))
  } catch (error) {
    throw badSetting(`AMBIT_JWT_…: ${(error as Error).message}`)
  }
}
