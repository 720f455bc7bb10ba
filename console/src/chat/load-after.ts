import type { Place } from '../address/address.ts'
import { ask, pathOf } from '../api/request.ts'
import { factsOf } from './ambit-message.ts'
import type { AmbitMessage } from './ambit-message.ts'

const PAGE = 100

/** What follows these messages in the chosen branch. Null: it cannot be told so, because another branch was chosen, or there is too much of it. */
export async function loadAfter(place: Place | null, chatId: string, known: readonly AmbitMessage[]): Promise<readonly AmbitMessage[] | null> {
  const { id, number } = factsOf(known.at(-1) as AmbitMessage)
  if (number === undefined) return null
  const path = `${pathOf(place)}/threads/${encodeURIComponent(chatId)}/messages`
  const { messages, next } = await ask<{ readonly messages: readonly AmbitMessage[]; readonly next: string | null }>(path, { query: { branch: 'chosen', after: number, limit: PAGE } })
  const [first] = messages
  return first && next === null && factsOf(first).parent_id === id ? messages : null
}
