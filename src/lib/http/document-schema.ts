import { z } from 'zod'
import { isTime } from './page.ts'
import { documented, time } from './operation.ts'

const TITLE_CHARS = 200
const BODY_CHARS = 1_000_000
/** Of the whole request. */
export const DOCUMENT_BYTES = 2_000_000

/** One line: a title stands in lists, and in what the model is told. */
const title = z
  .string()
  .max(TITLE_CHARS, `a title has at most ${TITLE_CHARS} characters`)
  .transform((text) => text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim().toWellFormed())
  .refine((text) => text !== '', 'a title must not be empty')

const body = z
  .string()
  .max(BODY_CHARS, `a document has at most ${BODY_CHARS} characters`)
  .refine((text) => !text.includes('\0'), 'a document must not hold a NUL character')

const mediaType = z.enum(['text/markdown', 'text/plain'])

export const newDocument = z
  .object({ title, body, media_type: mediaType.default('text/markdown') })
  .register(documented, { id: 'NewDocument' })

export const documentChange = z
  .object({
    title: title.optional(),
    body: body.optional(),
    media_type: mediaType.optional(),
    base: time
      .refine(isTime, 'must be an updated_at that a document had')
      .optional()
      .describe('The `updated_at` of what is changed: 409 where it is no longer that.'),
  })
  .refine(({ title: named, body: said, media_type: kind }) => [named, said, kind].some((value) => value !== undefined), 'nothing to change: send title, body or media_type')
  .meta({ minProperties: 1 }) // of the generators that there are, some make `unknown` of a choice between what is required
  .register(documented, { id: 'DocumentChange' })

const described = z.object({
  id: z.string(),
  project: z.string().nullable().describe('The project that it is of, as addresses name it; null: the organisation\'s own.'),
  title: z.string(),
  media_type: z.string(),
  chars: z.int().describe('The length of its body.'),
  updated_at: time,
})

export const documentSchema = described.extend({ body: z.string() }).register(documented, { id: 'DocumentDetail' })

export type Document = z.output<typeof documentSchema>

export const documentTitleSchema = described
  .extend({
    opening: z.string().describe('How it begins.'),
    snippet: z.string().optional().describe('Of what a search found: the places where the words stand.'),
  })
  .register(documented, { id: 'DocumentTitle' })

export type DocumentTitle = z.output<typeof documentTitleSchema>
