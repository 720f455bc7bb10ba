import type { LanguageModelV4 } from './language-model.ts'
import { namedModel } from './models.ts'

/** A model, its name, a choice by context, or null for none. */
export type ModelSource<Context> = LanguageModelV4 | string | null | ((context: Context) => LanguageModelV4)

/** The models of an installation. */
export interface ModelRegistry<Context> {
  /** Ids that can be called now, the default first. Empty: there is none. */
  available(): readonly string[]
  open(context: Context, id: string): LanguageModelV4
}

const CHOSEN_BY_HOST = 'default'

/** Throws where the source names a model that cannot work. */
export function modelRegistry<Context>(source: ModelSource<Context>): ModelRegistry<Context> {
  if (typeof source === 'function') return { available: () => [CHOSEN_BY_HOST], open: (context) => source(context) }
  const model = typeof source === 'string' ? namedModel(source) : source
  if (!model) return { available: () => [], open: unavailable }
  const id = `${model.provider}:${model.modelId}`
  return { available: () => [id], open: (_, wanted) => (wanted === id ? model : unavailable()) }
}

function unavailable(): never {
  throw new Error('A model was opened that is not available. What a run may use is checked before it begins.')
}
