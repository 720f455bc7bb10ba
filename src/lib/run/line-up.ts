import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { ActiveRun } from '../store/active-run-rows.ts'
import type { OnActive } from '../store/thread-rows.ts'
import type { AnotherAnswer, NewTurn } from './find-trigger.ts'

/** Refused, unless these runs of the thread are stopped: whoever asks wants them to be. */
export interface InTheWay extends Refusal {
  readonly inTheWay: readonly ActiveRun[]
}

/** How a turn stands in the line of its thread. */
export interface Admitted {
  readonly ok: true
  readonly state: 'running' | 'queued'
  readonly turn: NewTurn | AnotherAnswer
}

/** One run at a time in a thread. What comes while there is one is refused, waits behind it, or is to take its place. */
export function lineUp(
  turn: NewTurn | AnotherAnswer,
  line: readonly ActiveRun[],
  { onActive, places }: { readonly onActive: OnActive; readonly places: number },
): Admitted | Refusal | InTheWay {
  const [active] = line
  const last = line.at(-1)
  if (!active || !last) return { ok: true, state: 'running', turn }
  const facts = { run: active.id, thread: active.thread_id }
  if (onActive === 'interrupt') {
    return { ...refuse('conflict', 'What runs in this thread could not be stopped in time. Send the same request again in a moment.', facts), inTheWay: line }
  }
  // An answer once more never waits: by its turn, something else would be the last that was said.
  if (onActive === 'reject' || turn.kind === 'again') {
    return refuse('conflict', 'This thread is being answered. Follow the active run, stop it, or wait for its end.', facts)
  }
  if (line.filter(({ state }) => state === 'queued').length >= places) {
    return refuse('conflict', `${places} messages wait in this thread already. Wait until one of them is answered.`, facts)
  }
  return { ok: true, state: 'queued', turn: turn.atEnd ? { ...turn, parentId: last.message_id } : turn }
}
