import { NO_METRICS } from '../observe/metrics.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { OpenModel } from './call-model.ts'
import { createCircuit } from './circuit.ts'
import type { Circuit, CircuitOptions } from './circuit.ts'
import type { LanguageModelV4 } from './language-model.ts'
import { CHOSEN_BY_HOST, allowsModel, isPattern } from './model-name.ts'
import { demandModelName } from './models.ts'
import { offlineModel } from './offline-model.ts'
import { isProviderName, openProvider } from './providers.ts'
import type { Provider, ProviderName, ProviderSettings } from './providers.ts'

/** A model, its name, a choice by context, or null for none. */
export type ModelSource<Context> = LanguageModelV4 | string | null | ((context: Context) => LanguageModelV4)

export interface ModelOptions<Context> {
  /** A LanguageModelV4, a name (`offline`, `none`, `openai:<id>`), or a choice by scope. */
  readonly model: ModelSource<Context>
  /** What a request may choose beside it: names, and patterns that end in `*` (`openai:gpt-5*`). */
  readonly allowedModels?: readonly string[]
  /**
   * The models that take images, by names and patterns (`openai:*`, if absent, with `anthropic:*` and `google:*`). A model that
   * the host hands over is named `<provider>:<modelId>`, as it names itself; a choice by scope is `default`.
   */
  readonly images?: readonly string[]
  /** Keys and addresses of the providers that are named. Nothing is read from the environment. */
  readonly providers?: ProviderSettings
}

export type ChosenModel =
  /** `leave`: it comes to no call, and takes no try from others. */
  { readonly ok: true; readonly name: string | null; leave(): void } | { readonly ok: false; readonly waitMs: number }

/** The models of an installation. */
export interface ModelRegistry<Context> {
  /** Names and patterns, the default first, whether or not their providers answer. Empty: there is none. */
  readonly allowed: readonly string[]
  /** Milliseconds until one of them can be called, by the circuits of their providers; 0: now. */
  waitMs(): number
  /**
   * For a new run: the model that was asked for, or else the first with a name that can be called. Takes the one try of a
   * half-open circuit. Whether `models` allows what was asked for is not judged here.
   */
  choose(models: readonly string[], wanted: string | null): ChosenModel
  /** Whether the model of this name takes images. */
  takesImages(name: string): boolean
  open(context: Context, name: string): OpenModel
}

/** Throws where a name cannot work: a provider without its key or its package, a pattern without a provider. */
export function modelRegistry<Context>(options: ModelOptions<Context>, circuit: Partial<CircuitOptions> = {}, metrics: Metrics = NO_METRICS): ModelRegistry<Context> {
  const { model: source, allowedModels = [], images = TAKE_IMAGES } = options
  const main = mainName(source)
  if (typeof source === 'string' && isPattern(source)) demandModelName(source) // throws: it names no model to begin with
  const others = allowedModels.filter((name) => name !== main)
  if (main === null && others.length > 0) throw new Error('Models are allowed beside the default one, and there is none.')
  const names = main === null ? [] : [main, ...new Set(others)]
  const providers = openProviders([...(typeof source === 'string' ? names : others)], options.providers ?? {})
  const circuits = new Map<string, Circuit>()

  /** None for what a host chooses by scope: which provider that is, is known only when it is called. */
  const circuitOf = (name: string): Circuit | null => {
    const provider = name === main && typeof source === 'object' ? source?.provider : providerOf(name)
    if (provider === undefined) return null
    // What a request chose by a pattern fails for itself: its quota and its size are not those of the models that are named.
    const key = names.includes(name) ? provider : (names.find((one) => isPattern(one) && allowsModel([one], name)) ?? provider)
    const known = circuits.get(key) ?? createCircuit(circuit)
    circuits.set(key, known)
    return known
  }

  const modelOf = (context: Context, name: string): LanguageModelV4 => {
    if (name === main && typeof source === 'function') return source(context)
    if (name === main && typeof source === 'object' && source) return source
    if (!allowsModel(names, name)) throw new Error('A model was opened that is not allowed. What a run may use is checked before it begins.')
    if (name === OFFLINE) return offlineModel()
    const { provider, id } = demandModelName(name)
    const opened = providers.get(provider)
    if (!opened) throw new Error('A model was opened whose provider is not.')
    return opened.model(id)
  }

  return {
    allowed: names,
    waitMs: () => (names.length === 0 ? 0 : Math.min(...names.map((name) => circuitOf(name)?.waitMs() ?? 0))),
    choose(models, wanted) {
      const candidates = (wanted === null ? models : [wanted]).filter((name) => allowsModel(names, name))
      const waits: number[] = []
      for (const name of candidates) {
        const admission = circuitOf(name)?.admit()
        if (!admission || admission.waitMs === 0) return { ok: true, name, leave: admission?.leave ?? (() => {}) }
        waits.push(admission.waitMs)
      }
      return waits.length > 0 ? { ok: false, waitMs: Math.min(...waits) } : { ok: true, name: wanted, leave: () => {} }
    },
    takesImages: (name) => allowsModel(images, name),
    open: (context, name) => ({ model: modelOf(context, name), circuit: circuitOf(name), metrics }),
  }
}

const OFFLINE = 'offline'

/** What these providers serve today takes images; of what is behind another server, only its host knows. */
const TAKE_IMAGES: readonly string[] = ['openai:*', 'anthropic:*', 'google:*']

/** What the default is called: its name as it was written, or the host's own words for its model. */
function mainName<Context>(source: ModelSource<Context>): string | null {
  if (source === null || source === 'none') return null
  if (typeof source === 'function') return CHOSEN_BY_HOST
  return typeof source === 'string' ? source : `${source.provider}:${source.modelId}`
}

/** Every provider that a name or a pattern needs, once. */
function openProviders(names: readonly string[], settings: ProviderSettings): ReadonlyMap<ProviderName, Provider> {
  const needed = names.filter((name) => name !== OFFLINE).map((name) => (isPattern(name) ? demandPattern(name) : demandModelName(name).provider))
  return new Map([...new Set(needed)].map((name) => [name, openProvider(name, settings[name] ?? {})]))
}

/** Of a name or a pattern; `offline` has none. */
function providerOf(name: string): string | undefined {
  const colon = name.indexOf(':')
  return colon > 0 ? name.slice(0, colon) : undefined
}

function demandPattern(name: string): ProviderName {
  const provider = providerOf(name) ?? ''
  if (isProviderName(provider)) return provider
  throw new Error(`"${name}" must begin with a provider, as "openai:*".`)
}
