import { z } from 'zod'
import { mintKey } from '../identity/api-key.ts'
import { rowsToChange } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { listKeys, revokeListedKey } from '../store/key-rows.ts'
import type { ListedKeyRow } from '../store/key-rows.ts'
import { findReach } from '../store/member-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { documented, id, time } from './operation.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { next, parseTimePage, timeCursor, timePageQuery } from './page.ts'
import { problem } from './problem.ts'
import { json, noContent } from './respond.ts'

const MOST_DAYS = 3_650

const keyWanted = z
  .object({
    person: id.optional().describe('Whose it is to be: the caller\'s own, where it is left out.'),
    expires_in_days: z.int().min(1).max(MOST_DAYS).optional().describe('Never, where it is left out.'),
  })
  .optional()
  .register(documented, { id: 'KeyWanted' })

const listed = {
  id: z.string(),
  person: z.string(),
  beginning: z.string().describe('What is public of it: `ambit_` and twelve characters.'),
  made_by: z.string().nullable().describe('Who asked for it; null: the command line.'),
  created_at: time,
  expires_at: time.nullable(),
  last_used_at: time.nullable().describe('To the minute.'),
  revoked_at: time.nullable(),
}

const keySchema = z.object(listed).register(documented, { id: 'Key' })
const newKeySchema = z.object({ ...listed, key: z.string().describe('The key itself: shown here, and never again.') }).register(documented, { id: 'NewKey' })
const keysSchema = z.object({ keys: z.array(keySchema), next }).register(documented, { id: 'KeyPage' })

/** Its keys would open what it does not. */
const NARROW = refuse('forbidden', 'This credential opens one project only, and keys open all that their owner may. Use a credential of the whole organisation.')

const ORGANISATIONS_OWN = refuse('forbidden', 'Keys for others are made by admins of the organisation, at its own address. Here you make your own.')

const ABOVE = refuse('forbidden', 'You can make a key for somebody only where all that it would open is open to you, with no lower role. Ask an owner, or let that person make it.')

export const getKeysOperation = {
  id: 'listKeys',
  summary: 'The caller\'s own keys; at the organisation, to its admins, those of everybody. The newest first.',
  query: timePageQuery,
  answers: { 200: keysSchema },
  refuses: ['malformed', 'forbidden'],
} satisfies Operation

/** `GET …/keys`. */
export async function getKeys({ context, query, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getKeysOperation>> {
  if (isNarrow(context)) return problem(NARROW, requestId)
  const parsed = parseTimePage(query)
  if (!parsed.ok) return problem(parsed, requestId)
  const rows = await house.scoped(rowsToChange(context), (sql) => listKeys(sql, parsed.page))
  const last = rows.length === parsed.page.limit ? rows.at(-1) : undefined
  return json<z.output<typeof keysSchema>>({ keys: rows.map(keyOf), next: last ? timeCursor(last.created_at, last.id) : null }, requestId)
}

export const postKeyOperation = {
  id: 'createKey',
  summary: 'Makes a key, which opens what its owner may do in this organisation.',
  body: keyWanted,
  answers: { 201: newKeySchema },
  refuses: ['forbidden'],
} satisfies Operation

/** `POST …/keys`. */
export async function postKey(exchange: ScopedExchange<BodyOf<typeof postKeyOperation>>, house: House): Promise<Answer<typeof postKeyOperation>> {
  const { context, body = {}, requestId, log } = exchange
  const own = context.rows.userId
  const personId = body.person ?? own
  const refusal = isNarrow(context) ? NARROW : personId === own ? null : await refuseForOther(context, personId, house)
  if (refusal) return problem(refusal, requestId)
  const wanted = { orgId: context.org.id, personId, expiresInDays: body.expires_in_days ?? null, madeBy: own }
  const { key, row } = await house.scoped(rowsToChange(context), (sql) => mintKey(sql, wanted, house.newId))
  log.info({ subject: own, person: personId, key_id: row.id, expires_at: row.expires_at }, 'key made')
  return json<z.output<typeof newKeySchema>, 201>({ ...keyOf(row), key }, requestId, 201)
}

export const deleteKeyOperation = {
  id: 'revokeKey',
  summary: 'Revokes a key: an own one; at the organisation, its admins any. What it had begun ends within seconds.',
  answers: { 204: 'nothing' },
  refuses: ['forbidden'],
} satisfies Operation

/** `DELETE …/keys/{key}`: also where it was revoked before. */
export async function deleteKey({ context, params, requestId, log }: ScopedExchange, house: House): Promise<Answer<typeof deleteKeyOperation>> {
  if (isNarrow(context)) return problem(NARROW, requestId)
  const keyId = params['key']
  const revoked = keyId === undefined ? null : await house.scoped(rowsToChange(context), (sql) => revokeListedKey(sql, keyId))
  if (!revoked) return problem(NOT_FOUND, requestId)
  log.info({ subject: context.rows.userId, person: revoked.person, key_id: keyId }, 'key revoked')
  return noContent(requestId)
}

/** As the directory has it: a claim that is named narrows, whatever it says. */
function isNarrow({ principal }: ChatExecutionContext): boolean {
  return Object.hasOwn(principal.claims ?? {}, 'project')
}

/** A key speaks for its person: whoever makes it for somebody else must not get further by it than by himself. */
async function refuseForOther(context: ChatExecutionContext, personId: string, house: House): Promise<Refusal | null> {
  if (context.project !== null || !context.may.includes('admin')) return ORGANISATIONS_OWN
  const { seen, beyond } = await house.lookup((sql) => findReach(sql, context.org.id, { personId, makerId: context.rows.userId }))
  if (seen === 0) return NOT_FOUND
  return beyond > 0 ? ABOVE : null
}

function keyOf({ prefix, ...row }: ListedKeyRow): z.output<typeof keySchema> {
  return { ...row, beginning: `ambit_${prefix}` }
}
