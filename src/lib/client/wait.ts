/** How often, and how long, is waited for a connection that broke. */
export interface Patience {
  /** Attempts in a row that bring nothing new. */
  readonly tries: number
  readonly firstDelayMs: number
  readonly maxDelayMs: number
  /** A connection on which nothing has come for so long, not even a heartbeat, is taken for broken. */
  readonly silenceMs: number
  /** From 0 to 1: without it, all pages that a restart cut off would come back in the same moment. */
  random(): number
}

/** Doubled each time, between a half and the whole of it, and never less than the server asks for. */
export function delayOf({ firstDelayMs, maxDelayMs, random }: Patience, attempt: number, retryAfterS = 0): number {
  const whole = Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1))
  return Math.max((whole * (1 + random())) / 2, retryAfterS * 1_000)
}

/** Rejects with the signal's reason as soon as it aborts, and leaves no timer. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const over = () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', over)
      resolve()
    }, ms)
    signal.addEventListener('abort', over, { once: true })
  })
}

/** The promise, or the signal's reason as soon as it aborts. The promise goes on. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const over = () => reject(signal.reason as Error)
    signal.addEventListener('abort', over, { once: true })
    promise.finally(() => signal.removeEventListener('abort', over)).then(resolve, reject)
  })
}

/** The promise, or an error after so long. The promise goes on. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Nothing came for ${ms} ms.`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
