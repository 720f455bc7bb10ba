import { chatCompletionsModel } from './chat-completions.ts'
import { importAnthropic, importGoogle, importOpenAI } from './import-provider.ts'
import type { LanguageModelV4 } from './language-model.ts'
import { connectProvider } from './provider-connection.ts'
import type { ProviderConnection } from './provider-connection.ts'
import { fetchOver } from './provider-fetch.ts'

/** What a provider needs besides a model's name. */
export interface ModelSettings {
  readonly baseURL?: string
  readonly apiKey?: string
}

export type ProviderName = 'openai' | 'anthropic' | 'google' | 'openai-compatible'

/** Keys and addresses, by provider. */
export type ProviderSettings = Readonly<Partial<Record<ProviderName, ModelSettings>>>

/** Where the settings of a provider are read from the environment. */
export interface ProviderVariables {
  readonly apiKey: string
  readonly baseURL: string
}

interface Ready {
  readonly baseURL: string
  /** Absent where the provider asks for none. */
  readonly apiKey?: string
  readonly connection: ProviderConnection
}

interface Kind {
  /** Its adapter, an optional peer: nobody pays for it who does not use it. Null: it is Ambit's own. */
  readonly packageName: string | null
  readonly variables: ProviderVariables
  readonly needsKey: boolean
  /** Always given to the package, which would else read the environment. Null: it must be named. */
  readonly baseURL: string | null
  load(ready: Ready): Promise<(id: string) => LanguageModelV4>
  /** What is said in every call. */
  readonly options?: NonNullable<Parameters<LanguageModelV4['doStream']>[0]['providerOptions']>
}

const KINDS: Readonly<Record<ProviderName, Kind>> = {
  openai: {
    packageName: '@ai-sdk/openai',
    variables: { apiKey: 'OPENAI_API_KEY', baseURL: 'OPENAI_BASE_URL' },
    needsKey: true,
    baseURL: 'https://api.openai.com/v1',
    // The Responses API, as the package itself chooses: models that think keep their thoughts between the steps of an answer
    // only there. Nothing is kept at the provider: a thread is Ambit's, and one whose items had expired there would be dead.
    load: async (ready) => (await importOpenAI()).createOpenAI(forPackage(ready)),
    options: { openai: { store: false } },
  },
  anthropic: {
    packageName: '@ai-sdk/anthropic',
    variables: { apiKey: 'ANTHROPIC_API_KEY', baseURL: 'ANTHROPIC_BASE_URL' },
    needsKey: true,
    baseURL: 'https://api.anthropic.com/v1',
    load: async (ready) => (await importAnthropic()).createAnthropic(forPackage(ready)),
  },
  google: {
    packageName: '@ai-sdk/google',
    variables: { apiKey: 'GOOGLE_GENERATIVE_AI_API_KEY', baseURL: 'GOOGLE_GENERATIVE_AI_BASE_URL' },
    needsKey: true,
    baseURL: 'https://generativelanguage.googleapis.com/v1beta',
    load: async (ready) => (await importGoogle()).createGoogle(forPackage(ready)),
  },
  'openai-compatible': {
    packageName: null,
    variables: { apiKey: 'AMBIT_MODEL_API_KEY', baseURL: 'AMBIT_MODEL_BASE_URL' },
    needsKey: false,
    baseURL: null,
    load: async (ready) => (id) => chatCompletionsModel(id, ready),
  },
}

function forPackage({ connection, ...ready }: Ready) {
  return { ...ready, fetch: fetchOver(connection) }
}

export const PROVIDER_NAMES = Object.keys(KINDS) as readonly ProviderName[]

export function isProviderName(name: string): name is ProviderName {
  return Object.hasOwn(KINDS, name)
}

export function variablesOf(name: ProviderName): ProviderVariables {
  return KINDS[name].variables
}

/** A provider with its settings: its connections and its package are shared by its models. */
export interface Provider {
  model(id: string): LanguageModelV4
}

/** Throws where the settings cannot work or the package is not there, so that a start fails and not a question. */
export function openProvider(name: ProviderName, settings: ModelSettings): Provider {
  const kind = KINDS[name]
  const ready = readyOf(name, settings)
  if (kind.packageName !== null) demandInstalled(name, kind.packageName)
  let loading: Promise<(id: string) => LanguageModelV4> | undefined
  const load = async (id: string): Promise<LanguageModelV4> => {
    // A load that failed is tried again by the next call.
    loading ??= kind.load(ready).catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return (await loading)(id)
  }
  return {
    model: (id) => ({
      specificationVersion: 'v4',
      provider: name,
      modelId: id,
      supportedUrls: {},
      doGenerate: async (options) => (await load(id)).doGenerate(withOptions(options, kind)),
      doStream: async (options) => (await load(id)).doStream(withOptions(options, kind)),
    }),
  }
}

type Options = Parameters<LanguageModelV4['doStream']>[0]

function withOptions(options: Options, { options: always }: Kind): Options {
  return always ? { ...options, providerOptions: { ...always, ...options.providerOptions } } : options
}

/** The values are not repeated in the errors. */
function readyOf(name: ProviderName, { apiKey: key, baseURL: given }: ModelSettings): Ready {
  const { variables, needsKey, baseURL: usual } = KINDS[name]
  const apiKey = key === '' ? undefined : key
  const baseURL = given ?? usual
  if (baseURL === null) throw new Error(`Models of ${name} need a base URL: set ${variables.baseURL}, or baseURL in the provider's settings.`)
  if (!/^https?:$/.test(URL.parse(baseURL)?.protocol ?? '')) throw new Error(`The base URL of ${name} is no URL of the form https://… (${variables.baseURL}).`)
  if (needsKey && apiKey === undefined) throw new Error(`Models of ${name} need a key: set ${variables.apiKey}, or apiKey in the provider's settings.`)
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new Error(`The key of ${name} holds what no key has, a space, a line's end or a letter beyond ASCII: copy it again (${variables.apiKey}).`)
  }
  return { baseURL, ...(apiKey !== undefined && { apiKey }), connection: connectProvider({ secret: apiKey }) }
}

/** Found now and loaded later. */
function demandInstalled(provider: ProviderName, name: string): void {
  try {
    import.meta.resolve(name)
  } catch (error) {
    throw new Error(`Models of ${provider} need the package ${name}. Install it: npm install ${name}`, { cause: error })
  }
}
