import type { Limits } from '../limits/limits.ts'
import type { JwtOptions } from '../identity/jwt.ts'
import { PROVIDER_NAMES, variablesOf } from '../model/providers.ts'
import type { ProviderName, ProviderSettings } from '../model/providers.ts'
import { DEFAULT_ROLE_PREFIX, faultOfRolePrefix } from '../store/role-prefix.ts'
import { StartError } from '../store/start-error.ts'

/** What the environment says, read once and checked. */
export interface Settings {
  /** Where the embedded database and the files beside it are. */
  readonly directory: string
  /** The app's login. Null: the embedded database. */
  readonly databaseUrl: string | null
  /** The login that owns the schema: for `migrate` and operator work, never for serving. */
  readonly ownerUrl: string | null
  /** Of Ambit's roles on that server. */
  readonly rolePrefix: string
  /** How many connections to it a server may hold at once. */
  readonly connections: number
  /** Where live frames are shared between nodes; null: they are this process's own. */
  /** Empty: none. Several: nodes of a cluster. */
  readonly redisUrls: readonly string[]
  readonly host: string
  readonly port: number
  /** The same where it was named: what listens only when it is told to. */
  readonly namedPort: number | null
  /** Milliseconds that running answers have to end when the process is asked to. */
  readonly graceMs: number
  /** `images`: those that take images, where somebody says so. */
  readonly model: { readonly name: string; readonly allowed: readonly string[]; readonly images?: readonly string[]; readonly providers: ProviderSettings }
  /** The bounds that this server moves. */
  readonly limits: Partial<Limits>
  /** Whose tokens are accepted beside API keys. Null: nobody's. */
  readonly jwt: JwtOptions | null
  /** Whether the cookie of a sign-in goes over https only. Null: where the request that signed in came over https. */
  readonly secureCookie: boolean | null
  /** Null: whoever logs decides. */
  readonly logLevel: string | null
  /** The server that `chat` asks; null: the one that `directory` names. */
  readonly url: string | null
  readonly apiKey: string | null
}

export type Environment = Readonly<Record<string, string | undefined>>

export const DEFAULT_DIRECTORY = '.ambit'

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
const POSTGRES = ['postgres:', 'postgresql:']

/** How the settings are asked for: `embedded`, as if no server were named. */
export interface SettingsWanted {
  readonly embedded: true
}

/** Throws a StartError that names the variable where one cannot be what it says. */
export function settingsOf(environment: Environment, wanted?: SettingsWanted): Settings {
  // An empty variable is an absent one: `AMBIT_MODEL= ambit start` and compose files with blanks mean "not set".
  const read = (name: string): string | null => environment[name]?.trim() || null
  const port = read('AMBIT_PORT')
  const databaseUrl = wanted?.embedded ? null : readUrl('AMBIT_DATABASE_URL', read, POSTGRES)
  return {
    directory: read('AMBIT_DIRECTORY') ?? DEFAULT_DIRECTORY,
    databaseUrl,
    ownerUrl: readUrl('AMBIT_DATABASE_OWNER_URL', read, POSTGRES),
    rolePrefix: readRolePrefix(read('AMBIT_ROLE_PREFIX') ?? DEFAULT_ROLE_PREFIX),
    connections: readConnections(read('AMBIT_DATABASE_POOL') ?? '10'),
    redisUrls: readUrls('AMBIT_REDIS_URL', read, ['redis:', 'rediss:']),
    host: read('AMBIT_HOST') ?? '127.0.0.1',
    port: readPort(port ?? '8787'),
    namedPort: port === null ? null : readPort(port),
    graceMs: readGrace(read('AMBIT_GRACE_MS') ?? '10000'),
    model: readModel(read, databaseUrl === null ? 'offline' : 'none'),
    limits: readLimits(read('AMBIT_CONTEXT_TOKENS')),
    jwt: readJwt(read),
    secureCookie: readSecureCookie(read('AMBIT_SECURE_COOKIE')),
    logLevel: readLogLevel(read('AMBIT_LOG_LEVEL')),
    url: readUrl('AMBIT_URL', read, ['http:', 'https:'])?.replace(/\/+$/, '') ?? null,
    apiKey: read('AMBIT_API_KEY'),
  }
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port >= 0 && port <= 65_535) return port
  throw badSetting(`AMBIT_PORT is "${text}": it must be a whole number from 0 (any free port) to 65535.`)
}

/** A day at most: what is longer is a mistake in the unit. */
function readGrace(text: string): number {
  if (/^\d{1,8}$/.test(text) && Number(text) <= 86_400_000) return Number(text)
  throw badSetting(`AMBIT_GRACE_MS is "${text}": it must be a whole number of milliseconds from 0 to 86400000.`)
}

const LEAST_CONTEXT = 1_000

/** A model with a small window needs a small budget: what is over its window, a provider refuses. */
function readLimits(contextTokens: string | null): Partial<Limits> {
  if (contextTokens === null) return {}
  if (/^\d{4,8}$/.test(contextTokens) && Number(contextTokens) >= LEAST_CONTEXT) return { contextTokens: Number(contextTokens) }
  throw badSetting(`AMBIT_CONTEXT_TOKENS is "${contextTokens}": it must be a whole number of tokens from ${LEAST_CONTEXT} to 99999999.`)
}

function readRolePrefix(text: string): string {
  const fault = faultOfRolePrefix(text)
  if (fault === null) return text
  throw badSetting(`AMBIT_ROLE_PREFIX cannot be used. ${fault}`)
}

function readConnections(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw badSetting(`AMBIT_DATABASE_POOL is "${text}": it must be a whole number of connections from 1 to 9999.`)
}

/** The value is not repeated in the error: these URLs hold passwords. */
function readUrl(name: string, read: (name: string) => string | null, protocols: readonly string[]): string | null {
  const text = read(name)
  const url = text === null ? null : URL.parse(text)
  if (text !== null && !(url && protocols.includes(url.protocol))) {
    throw badSetting(`${name} is no URL of the form ${protocols.map((protocol) => `${protocol}//…`).join(' or ')}.`)
  }
  if (url && !isDecodable(url.username + url.password)) {
    throw badSetting(`${name} is not encoded as a URL: write a "%" in its user or password as "%25".`)
  }
  return text
}

/** With commas between them. */
function readUrls(name: string, read: (name: string) => string | null, protocols: readonly string[]): readonly string[] {
  const urls = read(name)?.split(',') ?? []
  for (const url of urls) readUrl(name, () => url, protocols)
  return urls
}

function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== null
  } catch {
    return false
  }
}

function readModel(read: (name: string) => string | null, usual: string): Settings['model'] {
  const name = read('AMBIT_MODEL') ?? usual
  const allowed = listOf(read('AMBIT_ALLOWED_MODELS') ?? '')
  const images = read('AMBIT_IMAGE_MODELS')
  // A provider's own variables may be there for other programs: they are read where it is named.
  const named = (provider: ProviderName) => provider === 'openai-compatible' || [name, ...allowed].some((one) => one.startsWith(`${provider}:`))
  const settings = PROVIDER_NAMES.filter(named).map((provider) => {
    const variables = variablesOf(provider)
    const [baseURL, apiKey] = [readUrl(variables.baseURL, read, ['http:', 'https:']), read(variables.apiKey)]
    return [provider, { ...(baseURL !== null && { baseURL }), ...(apiKey !== null && { apiKey }) }] as const
  })
  return { name, allowed, ...(images !== null && { images: readImages(images) }), providers: Object.fromEntries(settings) }
}

/** Of a provider each, so that one that is mistyped is not a model that refuses. */
function readImages(text: string): readonly string[] {
  if (text === 'none') return []
  const names = listOf(text)
  const unknown = names.find((name) => !PROVIDER_NAMES.some((provider) => name.startsWith(`${provider}:`)))
  if (unknown === undefined) return names
  throw badSetting(`AMBIT_IMAGE_MODELS names "${unknown}": it must be "none", or names and patterns that begin with a provider, as "openai:*".`)
}

/** With commas between them. */
function listOf(text: string): readonly string[] {
  return text.split(',').map((one) => one.trim()).filter((one) => one !== '')
}

const JWT_VARIABLES = ['ISSUER', 'AUDIENCE', 'JWKS_URL', 'SUBJECT_CLAIM', 'ORG_CLAIM', 'PROJECT_CLAIM'].map((name) => `AMBIT_JWT_${name}`)

/** All or nothing: half an issuer is a mistake, and not a server without tokens. */
function readJwt(read: (name: string) => string | null): JwtOptions | null {
  const given = JWT_VARIABLES.find((name) => read(name) !== null)
  if (given === undefined) return null
  const [issuer, audience] = [read('AMBIT_JWT_ISSUER'), read('AMBIT_JWT_AUDIENCE')]
  if (issuer === null || audience === null) throw badSetting(`${given} is not enough: tokens need both AMBIT_JWT_ISSUER and AMBIT_JWT_AUDIENCE.`)
  const jwksUrl = readUrl('AMBIT_JWT_JWKS_URL', read, ['http:', 'https:'])
  const [subject, org, project] = [read('AMBIT_JWT_SUBJECT_CLAIM'), read('AMBIT_JWT_ORG_CLAIM'), read('AMBIT_JWT_PROJECT_CLAIM')]
  if (project !== null && org === null) throw badSetting('AMBIT_JWT_PROJECT_CLAIM needs AMBIT_JWT_ORG_CLAIM: a project is named within its organisation.')
  return {
    issuer,
    audience,
    ...(jwksUrl !== null && { jwksUrl }),
    claims: { ...(subject !== null && { subject }), ...(org !== null && { org }), ...(project !== null && { project }) },
  }
}

function readSecureCookie(text: string | null): boolean | null {
  if (text === null || text === 'true' || text === 'false') return text === null ? null : text === 'true'
  throw badSetting(`AMBIT_SECURE_COOKIE is "${text}": it must be true (a proxy in front of this server ends https) or false.`)
}

function readLogLevel(text: string | null): string | null {
  if (text === null || LOG_LEVELS.includes(text)) return text
  throw badSetting(`AMBIT_LOG_LEVEL is "${text}": it must be one of ${LOG_LEVELS.join(', ')}.`)
}

export function badSetting(message: string): StartError {
  return new StartError('bad_setting', message)
}

/** Where a server that listens here is found from this machine. */
export function urlAt(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
