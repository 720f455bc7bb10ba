import pino from 'pino'

type Fields = Readonly<Record<string, unknown>>

/** A structured log. Fields are ids, codes, counts and causes; never content, prompts or credentials. */
export interface Log {
  info(fields: Fields, message: string): void
  warn(fields: Fields, message: string): void
  error(fields: Fields, message: string): void
  /** A log whose every line carries these fields too. */
  child(fields: Fields): Log
}

const MAX_CAUSES = 5

/**
 * A cause by an allow-list: what drivers and providers hang on their errors besides (parameters, rows, request and
 * response bodies) is content.
 */
function causeOf(cause: unknown, depth = 0): unknown {
  if (!(cause instanceof Error)) return { type: typeof cause, message: String(cause) }
  const { name, message, stack } = cause
  const { code, statusCode, constraint } = cause as { code?: unknown; statusCode?: unknown; constraint?: unknown }
  const inner = cause.cause !== undefined && depth < MAX_CAUSES ? { cause: causeOf(cause.cause, depth + 1) } : {}
  return { type: name, message, code, statusCode, constraint, stack, ...inner }
}

/** One JSON object a line, to standard output where no destination is given. The paths are a net below the rule, for causes that carry a request's headers. */
export function createLog(options: { level: string; destination?: NodeJS.WritableStream }): Log {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    redact: ['*.authorization', '*.cookie', '*.apiKey', '*.password', '*.requestHeaders', '*.requestBodyValues', '*.headers'],
    serializers: { cause: (cause: unknown) => causeOf(cause) },
  }
  // Never pino's own destination: it listens on `process` for good.
  return pino(settings, options.destination ?? process.stdout)
}
