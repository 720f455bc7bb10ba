import { Unanswered, isUnavailable } from './unavailable.ts'

/** What the driver and the system put on their errors. */
interface DriverError {
  readonly code: string
  readonly message: string
  readonly syscall?: string
  /** Of a connection that was refused. */
  readonly address?: string
  readonly port?: number
  /** Of a name that has no address. */
  readonly hostname?: string
}

/**
 * Why PostgreSQL cannot be used, in one sentence that says what to do; null for what is no word of its own or of its connection.
 * The server's sentences name users and databases, never passwords.
 */
export function explainDatabase(error: unknown): string | null {
  if (error instanceof Unanswered) return silent('timeout')
  const found = driverErrorOf(error)
  if (!found || found.syscall === 'listen') return null
  const { code, syscall, hostname } = found
  if (syscall === 'getaddrinfo') return `The host ${hostname ?? ''} has no address (${code}): check the host in the database URL, and the network.`
  if (syscall === 'connect' || (syscall !== undefined && isUnavailable(error))) return silent(code, placeOf(found))
  return /^[0-9A-Z]{5}$/.test(code) ? saidByServer(found) : null
}

function driverErrorOf(error: unknown): DriverError | null {
  if (!(error instanceof Error)) return null
  // A name with two addresses (localhost) fails twice, in one error that carries only the code.
  const one: unknown = error instanceof AggregateError ? error.errors[0] : error
  if (one instanceof Error && 'code' in one && typeof one.code === 'string') return one as Error & DriverError
  // What the driver says in words only.
  return isUnavailable(error) ? { code: /timeout/i.test(error.message) ? 'timeout' : 'connection lost', syscall: 'connect', message: error.message } : null
}

function silent(code: string, place = ''): string {
  return `PostgreSQL does not answer${place} (${code}): check that it runs, and the host and port in the database URL.`
}

function placeOf({ address, port }: DriverError): string {
  return address === undefined || port === undefined ? '' : ` at ${address.includes(':') ? `[${address}]` : address}:${port}`
}

function saidByServer({ code, message }: DriverError): string {
  return `PostgreSQL says: ${message} (SQLSTATE ${code}). ${hintOf(code, message)}`.trimEnd()
}

function hintOf(code: string, message: string): string {
  if (code === '42501' && message.includes('for database')) return 'Grant this login CONNECT on the database, or name another one in the database URL.'
  return HINTS[code] ?? ''
}

const HINTS: Readonly<Record<string, string>> = {
  '28P01': 'Check user and password in the database URL.',
  '28000': 'Check user and password in the database URL.',
  '3D000': 'Create the database, or correct the name at the end of the database URL.',
  '53300': 'Raise max_connections of the server, or lower AMBIT_DATABASE_POOL.',
  '57P03': 'It begins or ends: try again in a moment.',
  '42501':
    'The owner needs CREATEROLE, CREATE on the database, and where Ambit\'s roles exist already ADMIN on them; or let a DBA run what "ambit migrate --print" writes.',
}
