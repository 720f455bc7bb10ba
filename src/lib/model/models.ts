import type { LanguageModelV4 } from './language-model.ts'
import { offlineModel } from './offline-model.ts'

/** What a provider needs besides its name. */
export interface ModelSettings {
  readonly baseURL?: string
  readonly apiKey?: string
}

/**
 * A model by its name: `offline`, `none` (chat answers that there is no model), or `openai-compatible:<id>` with a base
 * URL. Null is `none`. Throws where the name or its settings cannot work, so that a start fails and not a question.
 */
export function namedModel(name: string, settings: ModelSettings = {}): LanguageModelV4 | null {
  const [provider = '', ...rest] = name.split(':')
  const id = rest.join(':')
  if (name === 'none') return null
  if (name === 'offline') return offlineModel()
  if (provider === 'openai-compatible' && id !== '') return openAiCompatible(id, settings)
  throw new Error(`"${name}" is no model. Use "offline", "openai-compatible:<id>" or "none".`)
}

const OPENAI_COMPATIBLE = '@ai-sdk/openai-compatible'

/** Found now and loaded later: a start fails, and not the first question. */
function demandInstalled(name: string): void {
  try {
    import.meta.resolve(name)
  } catch (error) {
    throw new Error(`This model needs the package ${name}. Install it: npm install ${name}`, { cause: error })
  }
}

/** The provider's package is an optional peer: loaded at the first call, so that nobody pays for it who does not use it. */
function openAiCompatible(id: string, { baseURL, apiKey }: ModelSettings): LanguageModelV4 {
  if (baseURL === undefined) throw new Error(`The model "openai-compatible:${id}" needs a base URL (AMBIT_MODEL_BASE_URL).`)
  demandInstalled(OPENAI_COMPATIBLE)
  const load = async (): Promise<LanguageModelV4> => {
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
    return createOpenAICompatible({ name: 'openai-compatible', baseURL, includeUsage: true, ...(apiKey !== undefined && { apiKey }) })(id)
  }
  return {
    specificationVersion: 'v4',
    provider: 'openai-compatible',
    modelId: id,
    supportedUrls: {},
    doGenerate: async (options) => (await load()).doGenerate(options),
    doStream: async (options) => (await load()).doStream(options),
  }
}
