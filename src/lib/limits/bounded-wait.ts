/** Why a wait was given up. */
export class WaitedTooLong extends Error {
  constructor(ms: number) {
    super(`No answer within ${ms} ms.`)
    this.name = 'WaitedTooLong'
  }
}

export interface Bound {
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal
  /** Ends the wait with a WaitedTooLong. */
  readonly ms?: number
}

/**
 * The promise's outcome, unless the bound comes first: then whoever does not honour its signal is left behind, and what
 * it answers later is heard by nobody. Leaves no timer and no listener.
 */
export async function boundedWait<T>(promise: Promise<T>, { signal, ms }: Bound): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let leave = () => {}
  const bound = new Promise<never>((_, reject) => {
    leave = () => reject(signal?.reason)
    signal?.addEventListener('abort', leave, { once: true })
    if (signal?.aborted) leave()
    if (ms !== undefined) timer = setTimeout(() => reject(new WaitedTooLong(ms)), ms)
  })
  try {
    return await Promise.race([promise, bound])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', leave)
  }
}
