import type { LanguageModelV4 } from '../model/language-model.ts'
import { namedModel } from '../model/models.ts'
import { badSetting } from './settings.ts'
import type { Settings } from './settings.ts'

/** The model that the settings name. Throws a StartError where they name none that can work. */
export function modelOf({ model: { name, baseURL, apiKey } }: Settings): LanguageModelV4 | null {
  try {
    return namedModel(name, { ...(baseURL !== null && { baseURL }), ...(apiKey !== null && { apiKey }) })
  } catch (error) {
    throw badSetting(`AMBIT_MODEL: ${(error as Error).message}`)
  }
}
