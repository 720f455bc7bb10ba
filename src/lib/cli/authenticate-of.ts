import { apiKeys, firstOf } from '../identity/authenticate.ts'
import type { Authenticate } from '../identity/authenticate.ts'
import { jwt } from '../identity/jwt.ts'
import { signedIn } from '../identity/signed-in.ts'
import { badSetting } from './settings.ts'
import type { Settings } from './settings.ts'

/** API keys, also signed in with, and beside them the tokens of the issuer that the settings name. Throws a StartError where they name none that can work. */
export function authenticateOf({ jwt: options, secureCookie }: Settings): Authenticate {
  const cookies = signedIn(secureCookie === null ? {} : { secureCookie })
  if (!options) return firstOf(apiKeys(), cookies)
  try {
    return firstOf(apiKeys(), jwt(options), cookies)
  } catch (error) {
    throw badSetting(`AMBIT_JWT_…: ${(error as Error).message}`)
  }
}
