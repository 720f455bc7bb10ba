import { explainDatabase } from '../store/explain-database.ts'
import { StartError } from '../store/start-error.ts'

interface SystemError {
  readonly code: string
  readonly syscall?: string
  readonly address?: string
  readonly port?: number
  readonly path?: string
}

/** What went wrong outside of Ambit, in one sentence that says what to do; null for a fault of Ambit's own. */
export function explainError(error: unknown): string | null {
  if (error instanceof StartError) return error.message
  if (isSystemError(error) && error.syscall === 'listen') return explainListen(error)
  const said = explainDatabase(error)
  if (said !== null) return said
  if (!isSystemError(error) || error.path === undefined) return null
  return `${error.path} cannot be used (${error.code}): make it writable, or choose another directory with AMBIT_DIRECTORY.`
}

function isSystemError(error: unknown): error is Error & SystemError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

function explainListen({ code, address, port }: SystemError): string {
  const place = `Port ${port} on ${address}`
  if (code === 'EADDRINUSE') return `${place} is taken: stop what listens there, or choose another with AMBIT_PORT.`
  if (code === 'EACCES') return `${place} is not allowed to this user: choose one above 1023 with AMBIT_PORT.`
  return `${place} cannot be listened on (${code}): check AMBIT_HOST and AMBIT_PORT.`
}
