import type { z } from 'zod'
import type { Limits } from '../limits/limits.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Operation } from './operation.ts'
import { malformed } from './pointer.ts'
import { readFile } from './read-file.ts'
import { readJson } from './read-json.ts'

/** Bodies of most but a chat are small. */
const BODY_BYTES = 200_000

type Parsed = { readonly ok: true; readonly body: unknown } | Refusal

/** A body as a route's operation demands it. */
export async function takeBody(request: Request, { body, bodyBytes }: Pick<Operation, 'body' | 'bodyBytes'>, limits: Limits): Promise<Parsed> {
  if (body !== 'file') return parseBody(request, body, bodyBytes)
  const file = await readFile(request, limits)
  return file.ok ? { ok: true, body: file } : file
}

/** A body as a route's schema demands it. No content type is no body. */
export async function parseBody(request: Request, schema: z.ZodType | undefined, maxBytes: number = BODY_BYTES): Promise<Parsed> {
  if (!schema) return { ok: true, body: undefined }
  const none = request.headers.get('content-type') === null
  const read = none ? { ok: true as const, value: undefined } : await readJson(request, maxBytes)
  if (!read.ok) return read
  const parsed = schema.safeParse(read.value)
  return parsed.success ? { ok: true, body: parsed.data } : malformed(parsed.error, [])
}
