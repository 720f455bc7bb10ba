import { StartError } from '../store/start-error.ts'

/** What the environment says, read once and checked. */
export interface Settings {
  /** Where the embedded database and the files beside it are. */
  readonly directory: string
  /** The app's login. Null: the embedded database. */
  readonly databaseUrl: string | null
  /** The login that owns the schema: for `migrate` and operator work, never for serving. */
  readonly ownerUrl: string | null
  readonly host: string
  readonly port: number
  readonly model: { readonly name: string; readonly baseURL: string | null; readonly apiKey: string | null }
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

/** Throws a StartError that names the variable where one cannot be what it says. */
export function settingsOf(environment: Environment): Settings {
  // An empty variable is an absent one: `AMBIT_MODEL= ambit start` and compose files with blanks mean "not set".
  const read = (name: string): string | null => environment[name]?.trim() || null
  const databaseUrl = readUrl('AMBIT_DATABASE_URL', read, POSTGRES)
  return {
    directory: read('AMBIT_DIRECTORY') ?? DEFAULT_DIRECTORY,
    databaseUrl,
    ownerUrl: readUrl('AMBIT_DATABASE_OWNER_URL', read, POSTGRES),
    host: read('AMBIT_HOST') ?? '127.0.0.1',
    port: readPort(read('AMBIT_PORT') ?? '8787'),
    model: {
      name: read('AMBIT_MODEL') ?? (databaseUrl === null ? 'offline' : 'none'),
      baseURL: readUrl('AMBIT_MODEL_BASE_URL', read, ['http:', 'https:']),
      apiKey: read('AMBIT_MODEL_API_KEY'),
    },
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

function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== null
  } catch {
    return false
  }
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
