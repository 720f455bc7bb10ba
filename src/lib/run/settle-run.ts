import { setTimeout } from 'node:timers/promises'
import { ModelFault } from '../model/model-event.ts'
import type { Log } from '../observe/log.ts'
import type { RunEnd } from '../store/run-rows.ts'
import { isUnavailable } from '../store/unavailable.ts'
import type { TerminalChunk } from '../wire/chunk.ts'
import type { Pen } from './pen.ts'
import { FenceLost, HandedOver, RunError, RunLeft, Stopped } from './run-error.ts'

const RETRY_MS = 100
/** Of what no waiting mends: the same rows were refused each time. */
const MOST_TRIES = 4

interface Settling {
  readonly pen: Pen
  readonly log: Log
  /** Lets the live readers go, to what the store has. */
  release(): void
  /** Aborted when the store is about to be closed: what could not be committed by then is left to a later claim. */
  readonly giveUp: AbortSignal
}

interface Ending {
  readonly terminal: TerminalChunk
  readonly end: RunEnd
}

/** What became of a run under this owner. One that is left is for whoever claims it next. */
export type Outcome =
  /** `unfit`: its end cannot be written as it should be. Whoever claims it ends it, and does not drive it once more. */
  | { readonly left: true; readonly unfit: boolean }
  | { readonly left: false; readonly state: RunEnd['state']; readonly code: string | null }

/**
 * Ends a run that did not end by itself: exactly one terminal chunk, safe words for the reader, the cause in the log. One that
 * this node may no longer write, or whose database is away, is left as it is: whoever claims it goes on with it.
 */
export async function settleRun(error: unknown, { pen, log, release, giveUp }: Settling): Promise<Outcome> {
  const leave = (cause: unknown, why: string, unfit = false): Outcome => {
    log[unfit ? 'error' : 'warn']({ cause }, why)
    release()
    return { left: true, unfit }
  }
  if (error instanceof HandedOver) {
    log.info({}, 'the run is handed over')
    release()
    return { left: true, unfit: false }
  }
  if (error instanceof FenceLost) return leave(error, 'the run has another owner: this one stops')
  if (error instanceof RunLeft) return leave(error, 'the run is left to whoever claims it')
  if (isUnavailable(error)) return leave(error, 'the database is away: the run is left until it is back')
  const ending = endingOf(error)
  logEnding(error, ending, log)
  for (let tries = 1; ; tries += 1) {
    try {
      const metadata = { type: 'message-metadata', messageMetadata: { ambit: { state: ending.end.state, code: ending.end.errorCode ?? 'stopped' } } } as const
      await pen.end({ chunks: [metadata], ...ending })
      return { left: false, state: ending.end.state, code: ending.end.errorCode }
    } catch (again) {
      if (again instanceof FenceLost || again instanceof RunLeft || isUnavailable(again) || giveUp.aborted) return leave(again, 'the end of the run could not be committed: it is left to whoever claims it')
      if (tries === MOST_TRIES) return leave(again, 'the end of the run could not be committed: it will be ended without its answer', true)
      log.error({ cause: again }, 'the end of the run could not be committed; trying again')
      await pause(RETRY_MS * 2 ** tries, giveUp)
    }
  }
}

/** Until the time is over or it is given up: the try after that is the last. */
async function pause(ms: number, giveUp: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal: giveUp })
  } catch (error) {
    if (!giveUp.aborted) throw error
  }
}

function logEnding(error: unknown, { end }: Ending, log: Log): void {
  if (error instanceof Stopped) log.info({}, 'the run was stopped')
  else if (error instanceof RunError) log.warn({ code: end.errorCode, lost: error.lost ?? undefined }, 'the run was ended')
  else log.error({ code: end.errorCode, cause: error instanceof ModelFault ? (error.cause ?? error) : error }, 'the run failed')
}

function endingOf(error: unknown): Ending {
  if (error instanceof Stopped) {
    return { terminal: { type: 'abort', reason: 'stopped' }, end: { state: 'stopped', finishReason: null, errorCode: null } }
  }
  const known = error instanceof RunError || error instanceof ModelFault
  const errorText = known ? error.message : 'Something went wrong on our side. Ask again; if it stays, tell whoever runs this server.'
  return { terminal: { type: 'error', errorText }, end: { state: 'failed', finishReason: null, errorCode: known ? error.code : 'internal' } }
}
