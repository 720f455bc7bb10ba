import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { ScopeNews, ScopeWatch } from '../scope/watch-scopes.ts'
import type { Handles, RowScope, ScopedSql } from '../store/handles.ts'
import { FramesCut, piecesOf } from '../wire/generate-chat-sse.ts'
import type { WireFrame } from '../wire/generate-chat-sse.ts'

/** How a watched reader reads: in its own place of these two. */
export interface Watched {
  /** Whatever scope is given, under what is left of the reader's own. */
  readonly scoped: Handles['scoped']
  /** Aborted when the reader goes or is cut. */
  readonly signal: AbortSignal
}

/** A reader whose connection can be ended from here. */
export interface Cuttable {
  /** Breaks it off, also while the reader takes nothing and so asks for nothing. Absent: it ends when it is asked for more. */
  readonly cut?: ((why: unknown) => void) | undefined
}

/** Whose reading is watched. */
export interface WatchedReader extends Cuttable {
  readonly context: ChatExecutionContext
  /** Whether what is followed may still be seen, asked under what is left. `own`: nothing but the scope can take it away. */
  stillSees(sql: ScopedSql): Promise<boolean | 'own'>
  /** Milliseconds between two such questions, until the answer is `own`. Absent: it is asked where the scope narrows. */
  readonly everyMs?: number
  readonly signal: AbortSignal
}

export interface WatchedParts extends Pick<Handles, 'scoped'> {
  readonly watch: ScopeWatch
}

/** For a run that ends for the same reason to say so to its author. */
const LAST_WORD_MS = 500

/**
 * A following that ends when the reader's scope is taken away, or no longer holds what is followed: early, without a terminal
 * frame, so that its body breaks; and where the reader takes nothing, by its `cut`. What comes after that moment is not given to
 * the reader, but for the end of a run that is ended with it.
 */
export async function* followWatched<Some extends WireFrame>(
  { watch, scoped }: WatchedParts,
  { context, stillSees, everyMs, signal, cut }: WatchedReader,
  open: (watched: Watched) => AsyncIterable<readonly Some[]>,
): AsyncGenerator<readonly Some[], void, undefined> {
  const ending = new AbortController()
  const end = () => ending.abort('over') // a reason, so that no DOMException with its stack is made for nobody
  let rows: RowScope = context.rows
  let lost = false
  let lastWord: NodeJS.Timeout | undefined
  const lose = (why: unknown = new FramesCut()) => {
    lost = true
    lastWord ??= setTimeout(() => {
      end()
      cut?.(why)
    }, LAST_WORD_MS)
  }
  const look = async (): Promise<void> => {
    try {
      if (!(await scoped(rows, stillSees))) lose()
    } catch (error) {
      ending.abort(error) // who cannot be told to see it does not
      lose(error)
    }
  }
  const hear = (news: ScopeNews) => {
    if (!news.ok) return lose()
    rows = news.rows
    void look()
  }
  // A thread that is shared no longer narrows nobody's scope. A database that does not answer is no reason to cut anybody.
  let again: NodeJS.Timeout | undefined
  const lookLater = () => {
    if (everyMs !== undefined) again = setTimeout(() => void lookAgain(), everyMs).unref()
  }
  const lookAgain = async (): Promise<void> => {
    const sees = await scoped(rows, stillSees).catch(() => true)
    if (ending.signal.aborted) return
    if (!sees) lose()
    else if (sees !== 'own') lookLater()
  }
  lookLater()
  const leave = watch.watch(context, 'read', hear)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  try {
    for await (const frames of open({ scoped: (_, work) => scoped(rows, work), signal: ending.signal })) {
      for (const piece of piecesOf(frames)) { // so that a slow reader of many is cut before the next one
        if (lost && !piece.at(-1)?.terminal) return
        yield piece
      }
    }
    if (ending.signal.reason instanceof Error) throw ending.signal.reason
  } finally {
    leave()
    clearTimeout(again)
    clearTimeout(lastWord)
    signal.removeEventListener('abort', end)
    end()
  }
}
