import { z } from 'zod'
import { homeOf } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { countUnsent, findFile, insertFile } from '../store/file-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { documented } from './operation.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { problem } from './problem.ts'
import { fileBytes, json } from './respond.ts'

const NAME_CHARS = 200

const fileSchema = z
  .object({
    id: z.string().describe('A message names the file by the url `ambit-file:<id>`.'),
    name: z.string(),
    media_type: z.string(),
    bytes: z.int(),
  })
  .register(documented, { id: 'File' })

export const postFileOperation = {
  id: 'uploadFile',
  summary: 'Uploads a text or an image, to be named by a message within a day.',
  query: { name: z.string().min(1).max(NAME_CHARS).describe('What it is called: no path, no control characters. Without it, `file`.') },
  body: 'file',
  answers: { 201: fileSchema },
  refuses: ['over_limit'],
} satisfies Operation

const BAD_NAME = refuse('malformed', `"name" is what the file is called: 1 to ${NAME_CHARS} characters, without slashes and control characters.`)

/** `POST …/files?name=`: the file itself as the body. Its author's alone, until a message names it. */
export async function postFile(exchange: ScopedExchange<BodyOf<typeof postFileOperation>>, house: House): Promise<Answer<typeof postFileOperation>> {
  const { context, body, query, requestId, log } = exchange
  const name = query.get('name') ?? 'file'
  if (!isFileName(name)) return problem(BAD_NAME, requestId)
  const { mediaType, content } = body
  const file = { projectId: homeOf(context), userId: context.rows.userId, id: house.newId('file'), name, mediaType, content }
  const refusal = await house.scoped(context.rows, async (sql): Promise<Refusal | null> => {
    const { count, seconds } = await countUnsent(sql, file)
    if (count >= context.limits.unsentFiles) return tooMany(context.limits.unsentFiles, seconds)
    await insertFile(sql, file)
    return null
  })
  if (refusal) return problem(refusal, requestId)
  log.info({ file_id: file.id, media_type: mediaType, bytes: content.length }, 'file uploaded')
  return json<z.output<typeof fileSchema>, 201>({ id: file.id, name, media_type: mediaType, bytes: content.length }, requestId, 201)
}

export const getFileOperation = { id: 'getFile', summary: 'A file, as it was uploaded.', answers: { 200: 'file' } } satisfies Operation

/** `GET …/files/{file}`: to its author, and to whoever sees what was said in the message that names it. */
export async function getFile({ context, params, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getFileOperation>> {
  const row = await house.scoped(context.rows, (sql) => findFile(sql, homeOf(context), params['file'] ?? ''))
  return row ? fileBytes({ name: row.name, mediaType: row.media_type, content: row.content }, requestId) : problem(NOT_FOUND, requestId)
}

function isFileName(name: string): boolean {
  return name !== '' && name.length <= NAME_CHARS && name.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}/\\]/u.test(name) && name.trim() !== ''
}

/** They are looked for once a minute. */
const SWEPT_S = 60

function tooMany(limit: number, seconds: number): Refusal {
  return refuse('over_limit', `You have ${limit} files here that no message names. Send some of them; what is not sent goes after a day.`, {
    limit, retry_after: Math.max(0, seconds) + SWEPT_S,
  })
}
