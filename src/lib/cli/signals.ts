const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Aborts at the first SIGINT or SIGTERM; the second one ends the process at once. `ignore()` gives the signals back. */
export interface Interruption {
  readonly signal: AbortSignal
  ignore(): void
}

export function awaitInterruption(): Interruption {
  const interrupted = new AbortController()
  const onSignal = () => {
    if (interrupted.signal.aborted) process.exit(130)
    interrupted.abort()
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return {
    signal: interrupted.signal,
    ignore() {
      for (const name of SIGNALS) process.off(name, onSignal)
    },
  }
}
