import { z } from 'zod'
import { ID_PATTERN, isId } from '../directory/principal.ts'
import type { RefusalCode } from '../scope/refusal.ts'
import type { FileBody } from './read-file.ts'
import type { Refused, Said } from './respond.ts'

/**
 * What a route takes and answers, as plain data that stands beside the function that answers. The compiler holds the
 * function to it, `openapi.ts` makes the document of it, and nothing of it is asked when a request is served, but `body`.
 */
export interface Operation {
  /** What a generated client calls it; stays as it is. */
  readonly id: string
  readonly summary: string
  /** Asked without a credential, though what is in its body may be refused as one. */
  readonly open?: true
  /** All of them can be left out. */
  readonly query?: Readonly<Record<string, z.ZodType>>
  readonly headers?: Readonly<Record<string, z.ZodType>>
  /** Read and checked before the scope is resolved: what is malformed is so whatever the target. (A chat's is read by `parseChatCommand`.) `file`: bytes of one of the media types of files. */
  readonly body?: z.ZodType | 'file'
  /** That it may have at the most; absent: 200,000, or what a file of its type may have. */
  readonly bodyBytes?: number
  /** By status: JSON, a run as a stream, the events of a scope, counts, a file, or nothing. */
  readonly answers: Readonly<Record<number, z.ZodType | 'stream' | 'events' | 'metrics' | 'file' | 'nothing'>>
  /** Beside the refusals of the stations that a request passes on its way to the route. */
  readonly refuses?: readonly RefusalCode[]
}

type Meant<What> = What extends z.ZodType<infer Body> ? Body : What
type Answers<Declared> = { [Status in keyof Declared & number]: Said<Status, Meant<Declared[Status]>> }[keyof Declared & number]

/** All that a route of this operation can answer. */
export type Answer<Of extends Operation> = Answers<Of['answers']> | Refused

export type BodyOf<Of extends Operation> = Of extends { readonly body: z.ZodType<infer Body> } ? Body : Of extends { readonly body: 'file' } ? FileBody : undefined

/** Schemas that stand in the document by name. Not zod's own registry, which a host's schemas share. */
export const documented = z.registry<{ id: string }>()

const ID_RULE = 'must be 1 to 128 of A-Z a-z 0-9 _ . : -'

/** Of what a caller sends. The pattern is what `isId` asks, for the document. */
export const id = z.string().refine(isId, ID_RULE).meta({ pattern: ID_PATTERN })

/** What people call something: a line. */
export const name = plainText(200).trim().min(1, 'must not be empty')

export const role = z.enum(['owner', 'admin', 'member', 'viewer'])

/** Of what a caller sends, and a database stores. */
export function plainText(chars: number) {
  return z.string().max(chars, `has at most ${chars} characters`).refine((text) => !text.includes('\0'), 'must not hold a NUL character')
}

/** A moment, to the microsecond, in UTC. */
export const time = z.string().meta({ format: 'date-time' })
