import { modelRegistry } from '../model/model-registry.ts'
import type { ModelOptions } from '../model/model-registry.ts'
import { badSetting } from './settings.ts'
import type { Settings } from './settings.ts'

/** The models that the settings name. Throws a StartError where one cannot work. */
export function modelsOf({ model: { name, allowed, images, providers } }: Settings): ModelOptions<unknown> {
  const model = { model: name, providers, ...(images && { images }) }
  demandWorking('AMBIT_MODEL', model)
  if (allowed.length === 0) return model
  const models = { ...model, allowedModels: allowed }
  demandWorking('AMBIT_ALLOWED_MODELS', models)
  return models
}

function demandWorking(variable: string, models: ModelOptions<unknown>): void {
  try {
    modelRegistry(models)
  } catch (error) {
    throw badSetting(`${variable}: ${(error as Error).message}`)
  }
}
