import type { Ambit } from './lib/create-ambit.ts'
import { boundedWait } from './lib/limits/bounded-wait.ts'

/** Of the process and not of this module: each copy that a bundler makes has a module of its own. */
const NAMES: unique symbol = Symbol.for('ambit.reloadable')
/** As long as a run may take by default: what is left by then is ended as at any close. */
const ANSWERS_MS = 15 * 60_000
/** How long the next one waits to be opened: an embedded store opens only when the one before has let go of it. */
const LET_GO_MS = 2_000
const GRACE_MS = 10_000

/** An Ambit, and what it was asked and has not answered to the end. */
interface Serving {
  readonly ambit: Ambit
  readonly asked: Set<Promise<unknown>>
}

/** What the process knows of a name. */
interface Kept {
  newest: Serving
  /** Settled when what was replaced last has closed, or takes longer. */
  letGo: Promise<void>
  readonly leaving: Set<Promise<void>>
}

/**
 * The newest Ambit of this name in this process, for hosts that evaluate a module more than once: `next dev` at each edit,
 * and a bundle of each route that has a copy of its own. `export const ambit = reloadable('shop', createAmbit({ … }))`.
 *
 * All that are made under the name are one: whoever holds an older one asks the newest. What is replaced is asked no
 * more, finishes what it was asked, and closes with its connections; one that was never opened costs nothing. So twenty edits
 * hold one pool. In production, where the copies of a module are evaluated once each, none cuts an answer of another: the
 * last serves from then on. That is why the newest wins and not the first, which in development would be the oldest code.
 *
 * A pool that the host made is the host's, and stays open: it is kept over a reload by the host, as for its own queries.
 * A name is for one Ambit: a different one under the same name would take its place.
 */
export function reloadable(name: string, ambit: Ambit): Ambit {
  const kept = replace(name, { ambit, asked: new Set() })
  const ask = async <T>(work: (newest: Ambit) => Promise<T>): Promise<T> => {
    await kept.letGo
    return until(kept.newest, work(kept.newest.ambit))
  }
  return {
    basePath: ambit.basePath,
    drive: ambit.drive,
    async fetch(request) {
      await kept.letGo
      const { newest } = kept
      return untilRead(newest, await until(newest, newest.ambit.fetch(request)))
    },
    resolveChatScope: (who, target) => ask((newest) => newest.resolveChatScope(who, target)),
    openRun: (context, command) => ask((newest) => newest.openRun(context, command)),
    async *follow(context, run, cursor) {
      await kept.letGo
      const { newest } = kept
      const over = Promise.withResolvers<void>()
      void until(newest, over.promise)
      try {
        yield* newest.ambit.follow(context, run, cursor)
      } finally {
        over.resolve()
      }
    },
    start: (options) => ask((newest) => newest.start(options)),
    async close(options) {
      const left = within(Promise.all(kept.leaving), options?.graceMs ?? GRACE_MS)
      await Promise.all([kept.newest.ambit.close(options), left])
    },
  }
}

function replace(name: string, next: Serving): Kept {
  const world = globalThis as { [NAMES]?: Map<string, Kept> }
  const names = (world[NAMES] ??= new Map())
  const kept = names.get(name)
  if (!kept) {
    const first = { newest: next, letGo: Promise.resolve(), leaving: new Set<Promise<void>>() }
    names.set(name, first)
    return first
  }
  const left = leave(kept.newest).finally(() => kept.leaving.delete(left))
  kept.leaving.add(left)
  kept.letGo = within(Promise.all(kept.leaving), LET_GO_MS)
  kept.newest = next
  return kept
}

async function leave({ ambit, asked }: Serving): Promise<void> {
  await within(Promise.allSettled(asked), ANSWERS_MS)
  await ambit.close({ graceMs: ANSWERS_MS }).catch((error: unknown) => process.emitWarning(`An Ambit that was replaced did not close: ${String(error)}`))
}

/** Settles with the promise, or without it after so long. What is waited for here does not reject. */
async function within(promise: Promise<unknown>, ms: number): Promise<void> {
  await boundedWait(promise, { ms }).catch(() => {})
}

/** Notes that it is asked for until the promise has settled. */
function until<T>({ asked }: Serving, promise: Promise<T>): Promise<T> {
  const noted = promise.finally(() => asked.delete(noted))
  asked.add(noted)
  return noted
}

/** The same response, asked for until its body is read, broken or given up. A body that is no stream is there already. */
function untilRead(serving: Serving, response: Response): Response {
  if (!response.body || response.headers.get('content-type') !== 'text/event-stream') return response
  const reader = response.body.getReader()
  const over = Promise.withResolvers<void>()
  void until(serving, over.promise)
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // Broken while nobody asks: a reader who does not take what it was sent must be let go of, too.
        reader.closed.catch((error: unknown) => {
          controller.error(error)
          over.resolve()
        })
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          controller.close()
        } catch (error) {
          controller.error(error)
        }
        over.resolve()
      },
      async cancel(reason) {
        over.resolve()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, response)
}
