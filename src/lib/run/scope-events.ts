import { followEvents, placeEvents } from '../journal/follow-events.ts'
import { createScopeFeed } from '../journal/scope-feed.ts'
import type { Log } from '../observe/log.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { ScopeWatch } from '../scope/watch-scopes.ts'
import type { EventPlace, EventScope } from '../store/event-rows.ts'
import type { Handles } from '../store/handles.ts'
import type { WireFrame } from '../wire/generate-chat-sse.ts'
import { closingReads } from './closing-reads.ts'
import { followWatched } from './follow-watched.ts'
import type { Cuttable } from './follow-watched.ts'

/** What happens in the scopes of this installation, for whoever follows one of them here. */
export interface ScopeEvents {
  /** From where a reader begins who was told this time last (null: from now on). Null where what happened since may be forgotten. */
  place(context: ChatExecutionContext, lastTime: string | null): Promise<EventPlace | null>
  /** Until the reader goes, is cut because the scope was taken away, or the node closes. */
  follow(context: ChatExecutionContext, place: EventPlace & Cuttable, signal: AbortSignal): AsyncIterable<readonly WireFrame[]>
  /** An event was committed here: whoever follows that scope on this node need not wait for the next look. */
  notify(scope: EventScope): void
  /** Cuts who follows, and answers when none of them reads any more: the store may be closed then. */
  close(): Promise<void>
}

export interface ScopeEventsParts extends Pick<Handles, 'scoped' | 'sweeper'> {
  readonly watch: ScopeWatch
  readonly log: Log
}

export function createScopeEvents({ watch, log, ...handles }: ScopeEventsParts): ScopeEvents {
  const { scoped, sweeper, close } = closingReads(handles)
  const feed = createScopeFeed({ sweeper, onError: (error) => log.warn({ cause: error }, 'the look for new events failed; the next one comes in a second') })
  return {
    place: (context, lastTime) => placeEvents({ scoped, sweeper }, readerOf(context), lastTime),
    // What is followed is the scope itself: whoever still has it sees what the walls show.
    follow: (context, { cut, ...place }, signal) =>
      followWatched({ watch, scoped }, { context, stillSees: async () => true, signal, cut }, (watched) =>
        followEvents({ feed, scoped: watched.scoped }, readerOf(context), place, watched.signal),
      ),
    notify: feed.notify,
    async close() {
      await feed.close()
      await close()
    },
  }
}

function readerOf(context: ChatExecutionContext) {
  return { rows: context.rows, projectId: homeOf(context) }
}
