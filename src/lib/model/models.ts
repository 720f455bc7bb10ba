import type { LanguageModelV4 } from './language-model.ts'
import { readModelName } from './model-name.ts'
import { offlineModel } from './offline-model.ts'
import { PROVIDER_NAMES, isProviderName, openProvider } from './providers.ts'
import type { ModelSettings, ProviderName } from './providers.ts'

/**
 * A model by its name: `offline`, `none` (chat answers that there is no model), or `<provider>:<id>` with what its provider
 * needs. Null is `none`. Throws where the name or its settings cannot work.
 */
export function namedModel(name: string, settings: ModelSettings = {}): LanguageModelV4 | null {
  if (name === 'none') return null
  if (name === 'offline') return offlineModel()
  const { provider, id } = demandModelName(name)
  return openProvider(provider, settings).model(id)
}

export function demandModelName(name: string): { readonly provider: ProviderName; readonly id: string } {
  const read = readModelName(name)
  if (read && isProviderName(read.provider)) return { provider: read.provider, id: read.id }
  const known = PROVIDER_NAMES.map((provider) => `"${provider}:<id>"`).join(', ')
  throw new Error(`"${name}" is no model. Use "offline", ${known} or "none".`)
}
