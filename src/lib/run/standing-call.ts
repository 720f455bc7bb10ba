import type { CallRow } from '../store/call-rows.ts'
import type { Chunk } from '../wire/chunk.ts'
import type { ValidCall } from './run-model.ts'

/**
 * A call as a run's owner finds it. `ready`: it may be made, or made again, once it is claimed. `claimed`: under this fence.
 * `unknown`: an earlier owner may have made it, and it must not be made again. `recorded`: it was made, and its outcome is known.
 */
export type StandingCall = Pick<ValidCall, 'id' | 'name' | 'input'> &
  (
    | { readonly standing: 'ready' | 'claimed'; readonly args?: unknown }
    | { readonly standing: 'unknown' }
    | { readonly standing: 'recorded'; readonly outcome: Chunk }
  )

/** Those of the model's calls that may start at once are claimed with its part of the step; the others when their turn comes. */
export function newCalls(calls: readonly ValidCall[], atOnce: number): readonly StandingCall[] {
  return calls.map(({ id, name, input, args }, place) => ({ id, name, input, args, standing: place < atOnce ? 'claimed' : 'ready' }))
}

/** What an earlier owner left of the calls of a step. Settled ones whose frame was committed are not asked for. */
export function takenCalls(rows: readonly CallRow[]): readonly StandingCall[] {
  return rows.map(({ id, name, input, state, outcome, effect }): StandingCall => {
    const call = { id, name, input }
    if (outcome !== null) return { ...call, standing: 'recorded', outcome: JSON.parse(outcome) as Chunk }
    // What may be made again is claimed again first: under the earlier fence its outcome could be written by nobody.
    return { ...call, standing: state === 'claimed' && effect === 'write' ? 'unknown' : 'ready' }
  })
}
