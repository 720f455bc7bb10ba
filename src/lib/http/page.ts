import { z } from 'zod'
import { isId } from '../directory/principal.ts'
import { ORGANISATION } from '../scope/chat-execution-context.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { id as idSchema } from './operation.ts'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 200

const limitQuery = z.int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT)

/** How these queries stand in the document; `parseTimePage`, `parseNumberPage` and `parseIdPage` read them. */
export const timePageQuery = { limit: limitQuery, after: z.string().describe('`next` of the page before.') }
export const numberPageQuery = { limit: limitQuery, after: z.string().regex(/^\d{1,15}$/).describe('`next` of the page before.') }

export const idPageQuery = { limit: limitQuery, after: idSchema.describe('`next` of the page before.') }

/** Of every page: what to send as `after` for the next one. */
export const next = z.string().nullable().describe('Null where this was the last page.')

/** Where a page of things that change goes on: after the time and id of its last one. */
export interface TimePage {
  readonly limit: number
  readonly after?: { readonly at: string; readonly id: string } | undefined
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/
const BAD_CURSOR = refuse('malformed', 'This "after" is not one that a page gave as "next".')
const BAD_LIMIT = refuse('malformed', `"limit" is a whole number from 1 to ${MAX_LIMIT}.`)

/** `?limit=&after=` of a list that is ordered by time. A cursor holds a position, never a right. */
export function parseTimePage(query: URLSearchParams): { readonly ok: true; readonly page: TimePage } | Refusal {
  const limit = parseLimit(query)
  if (limit === null) return BAD_LIMIT
  const cursor = query.get('after')
  if (cursor === null) return { ok: true, page: { limit } }
  const { at, id } = partsOf(cursor)
  return isTime(at) && isId(id) ? { ok: true, page: { limit, after: { at, id } } } : BAD_CURSOR
}

/** The same of a list over projects, in each of which an id may stand. */
export interface PlacePage {
  readonly limit: number
  readonly after?: { readonly at: string; readonly id: string; readonly projectId: string } | undefined
}

/** The same, by a cursor that `placeCursor` made. */
export function parsePlacePage(query: URLSearchParams): { readonly ok: true; readonly page: PlacePage } | Refusal {
  const limit = parseLimit(query)
  if (limit === null) return BAD_LIMIT
  const cursor = query.get('after')
  if (cursor === null) return { ok: true, page: { limit } }
  const { at, id, projectId } = partsOf(cursor)
  const isPlace = projectId === ORGANISATION || isId(projectId)
  return isTime(at) && isId(id) && isPlace ? { ok: true, page: { limit, after: { at, id, projectId } } } : BAD_CURSOR
}

export function placeCursor(at: string, id: string, projectId: string): string {
  return timeCursor(at, `${id} ${projectId}`)
}

function partsOf(cursor: string): { readonly at: string; readonly id: string; readonly projectId: string } {
  const [at = '', id = '', projectId = ''] = Buffer.from(cursor, 'base64url').toString().split(' ')
  return { at, id, projectId }
}

/** The words of `?query=`, null where there are none to look for. No NUL in PostgreSQL's text. */
export function parseSearch(query: URLSearchParams, maxChars: number): { readonly ok: true; readonly text: string | null } | Refusal {
  const text = query.get('query')?.replaceAll('\0', ' ').trim()
  if (text === undefined) return { ok: true, text: null }
  return text !== '' && text.length <= maxChars ? { ok: true, text } : refuse('malformed', `"query" has 1 to ${maxChars} characters.`)
}

const BAD_AUTHOR = refuse('malformed', '"author" is "me", or absent.')

/** `?author=me` of a list that may be narrowed to the reader's own. */
export function parseAuthor(query: URLSearchParams, userId: string): { readonly ok: true; readonly authorId: string | undefined } | Refusal {
  const author = query.get('author')
  if (author === null) return { ok: true, authorId: undefined }
  return author === 'me' ? { ok: true, authorId: userId } : BAD_AUTHOR
}

/** A moment that PostgreSQL takes too: 30 February is none. */
export function isTime(text: string): boolean {
  const ms = TIME.test(text) ? Date.parse(text) : Number.NaN
  return ms > 0 && new Date(ms).toISOString().startsWith(text.slice(0, 19))
}

/** `?limit=&after=` of a list that is ordered by number. */
export function parseNumberPage(query: URLSearchParams): { readonly ok: true; readonly limit: number; readonly after: number } | Refusal {
  const limit = parseLimit(query)
  if (limit === null) return BAD_LIMIT
  const after = query.get('after') ?? '0'
  return /^\d{1,15}$/.test(after) ? { ok: true, limit, after: Number(after) } : BAD_CURSOR
}

/** Where a page of things that are ordered by their name goes on: after the one of that name; from the start, where it is empty. */
export interface IdPage {
  readonly limit: number
  readonly after: string
}

/** `?limit=&after=` of a list that is ordered by id or slug. */
export function parseIdPage(query: URLSearchParams): { readonly ok: true; readonly page: IdPage } | Refusal {
  const limit = parseLimit(query)
  if (limit === null) return BAD_LIMIT
  const after = query.get('after')
  return after === null || isId(after) ? { ok: true, page: { limit, after: after ?? '' } } : BAD_CURSOR
}

export function timeCursor(at: string, id: string): string {
  return Buffer.from(`${at} ${id}`).toString('base64url')
}

function parseLimit(query: URLSearchParams): number | null {
  const text = query.get('limit') ?? String(DEFAULT_LIMIT)
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return limit >= 1 && limit <= MAX_LIMIT ? limit : null
}
