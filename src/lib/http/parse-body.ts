import type { z } from 'zod'
import type { Refusal } from '../scope/refusal.ts'
import { refuse } from '../scope/refusal.ts'
import { readJson } from './read-json.ts'

/** Bodies of everything but a chat are small. */
const BODY_BYTES = 10_000

/** A body as a route's schema demands it. No content type is no body. */
export async function parseBody(
  request: Request,
  schema: z.ZodType | undefined,
): Promise<{ readonly ok: true; readonly body: unknown } | Refusal> {
  if (!schema) return { ok: true, body: undefined }
  const none = request.headers.get('content-type') === null
  const read = none ? { ok: true as const, value: undefined } : await readJson(request, BODY_BYTES)
  if (!read.ok) return read
  const parsed = schema.safeParse(read.value)
  return parsed.success ? { ok: true, body: parsed.data } : malformed(parsed.error, [])
}

/** The first thing that is wrong, with a JSON pointer (RFC 6901) to it. */
export function malformed(error: z.ZodError, path: readonly PropertyKey[]): Refusal {
  const [issue] = error.issues
  return refuse('malformed', `The body does not fit: ${issue?.message ?? 'unknown'}.`, { pointer: pointerOf([...path, ...(issue?.path ?? [])]) })
}

export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
