/** The server said nothing for too long. Its connection is never used again, because the answer may still come. */
export class Unanswered extends Error {
  constructor(ms: number) {
    super(`PostgreSQL did not answer within ${ms} ms.`)
    this.name = 'Unanswered'
  }
}

/**
 * What PostgreSQL, or a pooler in front of it, calls a failure that is not the statement's: connection lost or refused (08), too
 * little of something (53), a server that ends or begins (57P…), a standby before it is promoted (25006), and a transaction
 * that waited or worked too long, or lost against another one.
 */
const SQLSTATES = /^(08...|53...|57014|57P0[1235]|55P03|25006|25P0[34]|40001|40P01)$/

const SYSTEM = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ENOTFOUND'])

/** What `pg` says in words only: no connection in time, a pool whose connections are all in use, a connection that is gone. */
const WORDS = /^(timeout (exceeded when trying to connect|expired)|connection terminated\b|client (has encountered a connection error|was closed) and is not queryable)/i

/** The database is away, or too busy: nothing is wrong with the request, and the same one may be served in a moment. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  return error instanceof Unanswered || SQLSTATES.test(code) || SYSTEM.has(code) || WORDS.test(error.message)
}

/** Rolled back by the server for another transaction's sake: the same work may succeed at once. */
export function lostToAnother(error: unknown): boolean {
  return error instanceof Error && /^(40001|40P01)$/.test(codeOf(error))
}

/** A row of this key is there already: whoever wrote it was faster. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof Error && codeOf(error) === '23505'
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
