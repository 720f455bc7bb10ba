import { z } from 'zod'
import { refuse } from '../scope/refusal.ts'
import { generateChatSse } from '../wire/generate-chat-sse.ts'
import type { House, ScopedExchange } from './exchange.ts'
import type { Answer, Operation } from './operation.ts'
import { isTime } from './page.ts'
import { problem } from './problem.ts'
import type { GenerateText } from './pulled-body.ts'
import { eventStream } from './respond.ts'
import type { Said } from './respond.ts'

export const followScopeOperation = {
  id: 'followEvents',
  summary: 'Follows what happens in a scope: which runs begin, wait and end, and which threads change. Ids only.',
  headers: { 'last-event-id': z.string().describe('The id of the last event that came, which is a time: what was committed since is told, and what happened in the 15 seconds before it may come again. Without it, what happens from now on.') },
  answers: { 200: 'events' },
  refuses: ['malformed', 'gone', 'over_limit'],
} satisfies Operation

const BAD_ID = refuse('malformed', 'Last-Event-ID is not the id of an event of this stream.')
const GONE = refuse('gone', 'What happened since then is no longer kept. Load the lists again, and follow from now on, without Last-Event-ID.')

/** `GET …/events`: in the threads that the reader may see, under the walls of each moment. Never ends by itself. */
export async function followScope({ context, request, requestId, log }: ScopedExchange, house: House): Promise<Answer<typeof followScopeOperation>> {
  const lastEventId = request.headers.get('last-event-id')
  if (lastEventId !== null && !isTime(lastEventId)) return problem(BAD_ID, requestId)
  const from = await house.events.place(context, lastEventId)
  if (!from) return problem(GONE, requestId)
  const place = house.streams.take(context)
  if (!place.ok) return problem(place, requestId)
  const { limits } = context
  // No frame of these is a terminal one: whatever ends the stream breaks it, and its reader comes back.
  const generate: GenerateText = (signal, cut) => {
    const readerPlace = { ...from, cut }
    return generateChatSse((ending) => house.events.follow(context, readerPlace, ending), { heartbeatMs: limits.heartbeatMs, signal })
  }
  return eventStream(generate, { requestId, limits, log, place }) as Said<200, 'events'>
}
