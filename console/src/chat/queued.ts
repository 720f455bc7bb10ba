import { queryOptions } from '@tanstack/react-query'
import { readRefusal } from '../../../src/lib/client/ambit-error.ts'
import type { Run } from '../../../src/lib/http/run-schema.ts'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { newId } from '../api/new-id.ts'
import { ask, pathOf, send } from '../api/request.ts'
import type { AmbitMessage } from './ambit-message.ts'
import type { Outgoing } from './composer.tsx'

/** The runs of a thread that wait for the answer before them. */
export function queuedQuery(place: Place | null, threadId: string | null) {
  return queryOptions({
    queryKey: [placeKey(place), 'runs', 'queued', threadId],
    queryFn: async ({ signal }) => {
      const { runs } = await ask<{ readonly runs: readonly Run[] }>(`${pathOf(place)}/runs`, { signal, query: { state: 'queued', thread: threadId } })
      return runs.toReversed()
    },
  })
}

/** Sends a message that waits for its turn. Its answer is followed when it begins, like anybody's: this request only learns that it was taken. */
export async function queueMessage(place: Place | null, chatId: string, { text, files }: Outgoing, model: string | null): Promise<void> {
  const leaving = new AbortController()
  const message: AmbitMessage = { id: newId(), role: 'user', parts: [...files, { type: 'text', text }] }
  const response = await send(`${pathOf(place)}/chat`, { method: 'POST', body: { id: chatId, message, onActive: 'queue', ...(model !== null && { model }) }, signal: leaving.signal })
  if (!response.ok) throw await readRefusal(response)
  leaving.abort()
}

/** Takes it out of the line: it is then never answered. */
export async function cancelQueued(place: Place | null, chatId: string, run: string): Promise<void> {
  await ask(`${pathOf(place)}/chat/${encodeURIComponent(chatId)}/stop`, { method: 'POST', body: { run } })
}
