import type { History } from './ask.ts'
import { connectionFaults, faultsOf, isReset } from './judge.ts'
import type { Stored } from './stored.ts'

/** What happened, counted. */
export interface Tally {
  answers: number
  stopped: number
  /** Stops that were not confirmed within the time of the request. */
  unconfirmed: number
  returns: number
  reloads: number
  resets: number
  /** Each may have called the model once. */
  claims: number
  left: number
  events: number
}

export interface Ledger {
  readonly tally: Tally
  /** What does not hold, each with its thread and message. */
  readonly faults: readonly string[]
  take(history: History): void
  /** Judges what has ended, and forgets it; answers how many have not. */
  settle(): Promise<number>
  /** What has not ended by now never does. */
  close(): void
}

/** Histories are judged as their runs end, so that a long soak holds no more of them than a short one. */
export function openLedger(stored: Stored): Ledger {
  const tally: Tally = { answers: 0, stopped: 0, unconfirmed: 0, returns: 0, reloads: 0, resets: 0, claims: 0, left: 0, events: 0 }
  const faults: string[] = []
  const waiting = new Map<string, History>()
  const note = ({ thread, messageId, runId }: History, words: readonly string[]) => void faults.push(...words.map((why) => `${thread} ${messageId} ${runId ?? 'not acknowledged'}: ${why}`))
  return {
    tally,
    faults,
    take(history) {
      count(tally, history)
      note(history, connectionFaults(history))
      if (history.runId !== null) waiting.set(history.runId, history)
    },
    async settle() {
      const asked = [...waiting.values()].flatMap(({ runId, messageId }) => (runId === null ? [] : [{ runId, messageId }]))
      const ended = asked.length === 0 ? new Map() : await stored.ended(asked)
      for (const [runId, run] of ended) {
        const history = waiting.get(runId)
        waiting.delete(runId)
        tally.answers += 1
        tally.claims += run.fence
        if (run.state === 'stopped') tally.stopped += 1
        if (history) note(history, faultsOf(history, run))
      }
      return waiting.size
    },
    close() {
      for (const history of waiting.values()) note(history, ['it was acknowledged, and never ended'])
    },
  }
}

function count(tally: Tally, { connections, held, stop }: History): void {
  tally.returns += connections.length - 1
  tally.reloads += connections.filter(({ door }) => door === 'reload').length
  tally.left += connections.at(-1)?.end === 'left' ? 1 : 0
  tally.events += connections.reduce((sum, { events }) => sum + events, 0)
  tally.resets += held.filter(isReset).length
  if (stop?.status === 202) tally.unconfirmed += 1
}
