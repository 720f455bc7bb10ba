import { findEventBase, findEventTime, readEvents, readEventsAfter } from '../store/event-rows.ts'
import type { EventPlace, EventRow } from '../store/event-rows.ts'
import type { Handles, RowScope } from '../store/handles.ts'
import { encodeEvent } from '../wire/encode-event.ts'
import type { WireFrame } from '../wire/generate-chat-sse.ts'
import type { ScopeEvent } from '../wire/scope-event.ts'
import type { ScopeFeed } from './scope-feed.ts'

const ROWS_AT_A_TIME = 200

/** Whose eyes read, and of which project. */
export interface EventReader {
  readonly rows: RowScope
  readonly projectId: string
}

/**
 * Where a reader begins: at this moment, or at the time that it was told last. Null where what happened since may be forgotten.
 * Holds nothing, so that an answer that nobody reads leaves nothing behind.
 */
export async function placeEvents(
  { scoped, sweeper }: Pick<Handles, 'scoped' | 'sweeper'>,
  { rows, projectId }: EventReader,
  lastTime: string | null,
): Promise<EventPlace | null> {
  if (lastTime === null) {
    const { base, numbers } = await sweeper((sql) => findEventBase(sql, { orgId: rows.orgId, projectId }))
    return { after: base, since: null, known: numbers }
  }
  const since = await scoped(rows, (sql) => findEventTime(sql, lastTime))
  return since === null ? null : { after: 0, since, known: [] }
}

/**
 * What happens in a scope from a place on, as far as the reader may see it, each time under the walls of that moment. Never
 * ends by itself, but where the feed does. An event may come twice after a reconnection: it names what to ask for again.
 * The id is a time: numbers are one sequence for all, and the distance of two would say how much others do.
 */
export async function* followEvents(
  { feed, scoped }: { readonly feed: ScopeFeed } & Pick<Handles, 'scoped'>,
  { rows, projectId }: EventReader,
  place: EventPlace,
  signal: AbortSignal,
): AsyncGenerator<readonly WireFrame[], void, undefined> {
  const tail = await feed.join({ orgId: rows.orgId, projectId })
  let latest = place.since ?? ''
  // The latest that was told, also where an earlier one is told after it: who is cut off while it is told something again
  // would begin still earlier each time.
  const frameOf = (row: EventRow): WireFrame => {
    if (row.at > latest) latest = row.at
    return { text: encodeEvent(latest, eventOf(row)), terminal: false }
  }
  try {
    // What was committed between the place and the joining. The last of it may be told by the feed, too.
    let told: readonly EventRow[] = []
    for (let after = place.after, more = true; more && !signal.aborted; ) {
      const from = { ...place, after }
      const page = await scoped(rows, (sql) => readEventsAfter(sql, projectId, from, ROWS_AT_A_TIME))
      if (page.length > 0) yield page.map(frameOf)
      more = page.length === ROWS_AT_A_TIME
      after = page.at(-1)?.number ?? after
      told = [...told.slice(-ROWS_AT_A_TIME), ...page]
    }
    const known = new Set([...place.known, ...told.map(({ number }) => number)])
    while (!signal.aborted) {
      const numbers = await tail.next(signal)
      if (!numbers) return
      const fresh = numbers.filter((number) => !known.has(number))
      const seen = fresh.length > 0 ? await scoped(rows, (sql) => readEvents(sql, projectId, fresh)) : []
      if (seen.length > 0) yield seen.map(frameOf)
    }
  } finally {
    tail.leave()
  }
}

function eventOf({ kind, thread_id: threadId, run_id: run, about_id: about, at }: EventRow): ScopeEvent {
  if (kind === 'document_changed') return { type: kind, ...(about !== null && { document: about }), at }
  const thread = threadId ?? about
  return { type: kind, ...(thread !== null && { thread }), ...(run !== null && { run }), at }
}
