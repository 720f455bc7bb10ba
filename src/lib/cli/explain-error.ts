import { StartError } from '../store/start-error.ts'
import { Unanswered, isUnavailable } from '../store/unavailable.ts'

interface SystemError {
  readonly code: string
  readonly syscall?: string
  readonly address?: string
  readonly port?: number
  readonly path?: string
  readonly message: string
}

/** What went wrong outside of Ambit, in one sentence that says what to do; null for a fault of Ambit's own. */
export function explainError(error: unknown): string | null {
  if (error instanceof StartError) return error.message
  if (error instanceof Unanswered) return unreachable('timeout')
  const found = systemErrorOf(error)
  if (!found) return null
  if (found.syscall === 'listen') return explainListen(found)
  if (found.syscall === 'connect' || found.syscall === 'getaddrinfo' || (found.syscall !== undefined && isUnavailable(error))) return unreachable(found.code)
  if (/^[0-9A-Z]{5}$/.test(found.code)) return explainSql(found)
  return found.path === undefined ? null : `${found.path} cannot be used (${found.code}): make it writable, or choose another directory with AMBIT_DIRECTORY.`
}

function systemErrorOf(error: unknown): SystemError | null {
  if (!(error instanceof Error)) return null
  // A name with two addresses (localhost) fails twice, in one error that carries only the code.
  const one: unknown = error instanceof AggregateError ? error.errors[0] : error
  if (one instanceof Error && 'code' in one && typeof one.code === 'string') return one as Error & SystemError
  // What the driver says in words only.
  return isUnavailable(error) ? { code: /timeout/i.test(error.message) ? 'timeout' : 'connection lost', syscall: 'connect', message: error.message } : null
}

function explainListen({ code, address, port }: SystemError): string {
  const place = `Port ${port} on ${address}`
  if (code === 'EADDRINUSE') return `${place} is taken: stop what listens there, or choose another with AMBIT_PORT.`
  if (code === 'EACCES') return `${place} is not allowed to this user: choose one above 1023 with AMBIT_PORT.`
  return `${place} cannot be listened on (${code}): check AMBIT_HOST and AMBIT_PORT.`
}

function unreachable(code: string): string {
  return `PostgreSQL does not answer (${code}): check that it runs, and the host and port in the database URL.`
}

/** The server's own sentences name users and databases, never passwords. */
function explainSql({ code, message }: SystemError): string {
  return `PostgreSQL says: ${message} (SQLSTATE ${code}). ${SQL_HINTS[code] ?? ''}`.trimEnd()
}

const SQL_HINTS: Readonly<Record<string, string>> = {
  '28P01': 'Check user and password in the database URL.',
  '28000': 'Check user and password in the database URL.',
  '3D000': 'Create the database, or correct the name at the end of the database URL.',
  '42501':
    'The owner needs CREATEROLE, CREATE on the database, and where Ambit\'s roles exist already ADMIN on them; or let a DBA run what "ambit migrate --print" writes.',
}
