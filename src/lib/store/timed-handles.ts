import type { Metrics } from '../observe/metrics.ts'
import type { Handles } from './handles.ts'

/** The same handles, whose transactions are counted: how long each took from the asking for a connection on, and whether it failed. */
export function timedHandles(handles: Handles, { stored }: Pick<Metrics, 'stored'>): Handles {
  const timed = async <T>(handle: keyof Handles, work: Promise<T>): Promise<T> => {
    const began = performance.now()
    let ok = false
    try {
      const result = await work
      ok = true
      return result
    } finally {
      stored({ handle, ok, seconds: (performance.now() - began) / 1_000 })
    }
  }
  return {
    lookup: (work) => timed('lookup', handles.lookup(work)),
    scoped: (scope, work) => timed('scoped', handles.scoped(scope, work)),
    sweeper: (work) => timed('sweeper', handles.sweeper(work)),
    operator: (work) => timed('operator', handles.operator(work)),
  }
}
