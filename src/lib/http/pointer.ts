import type { z } from 'zod'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'

/** A way into a document: names of members, numbers of elements. */
export type Path = readonly PropertyKey[]

/** As a JSON pointer (RFC 6901). */
export function pointerOf(path: Path): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** The first thing that is wrong, with a pointer to it. */
export function malformed(error: z.ZodError, path: Path): Refusal {
  const [issue] = error.issues
  return refuse('malformed', `The body does not fit: ${issue?.message ?? 'unknown'}.`, { pointer: pointerOf([...path, ...(issue?.path ?? [])]) })
}
