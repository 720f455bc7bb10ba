import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Clock, X } from 'lucide-react'
import type { Message } from '../../../src/lib/http/message-schema.ts'
import { placeKey } from '../address/address.ts'
import { ask, pathOf } from '../api/request.ts'
import { IconButton } from '../design/button.tsx'
import { wordsOf } from '../design/problem.tsx'
import { toast } from '../design/toast.tsx'
import { useHere, useMay } from '../shell/place-context.ts'
import { textOf } from './ambit-message.ts'
import type { AmbitMessage } from './ambit-message.ts'
import { cancelQueued, queuedQuery } from './queued.ts'
import styles from './queued-messages.module.css'

/** What waits for the answer that is under way, in the order in which it will be answered. */
export function QueuedMessages({ threadId, chatId, after }: { readonly threadId: string; readonly chatId: string; /** The number of a message before them. */ readonly after: number }) {
  const { place } = useHere()
  const mayStop = useMay('write')
  const client = useQueryClient()
  const queued = useQuery(queuedQuery(place, threadId))
  const runs = queued.data ?? []
  const words = useQuery({
    queryKey: [placeKey(place), 'queued-words', threadId, runs.map(({ id }) => id).join()],
    queryFn: ({ signal }) => wordsOfQueued(`${pathOf(place)}/threads/${encodeURIComponent(chatId)}/messages`, after, signal),
    enabled: runs.length > 0,
  })
  const cancel = useMutation({
    mutationFn: (run: string) => cancelQueued(place, chatId, run),
    onSettled: () => client.invalidateQueries({ queryKey: queuedQuery(place, threadId).queryKey }),
    onError: (error) => toast({ title: 'It still waits', detail: wordsOf(error), bad: true }),
  })
  if (runs.length === 0) return null
  return (
    <ul role="list" className={styles.queue} aria-label="Messages that wait">
      {runs.map(({ id, user_message_id: messageId }) => (
        <li key={id} className={styles.one}>
          <Clock size={14} aria-hidden />
          <span className={styles.text}>{words.data?.get(messageId) ?? 'A message'}</span>
          {mayStop && <IconButton small label="Take it back" disabled={cancel.isPending} onClick={() => cancel.mutate(id)}><X size={14} /></IconButton>}
        </li>
      ))}
    </ul>
  )
}

/** By the server's id of a message, what it says. */
async function wordsOfQueued(path: string, after: number, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const { messages } = await ask<{ readonly messages: readonly Message[] }>(path, { signal, query: { branch: 'chosen', after, limit: 50 } })
  return new Map(messages.map((message) => [message.metadata.ambit.id, textOf(message as unknown as AmbitMessage)]))
}
