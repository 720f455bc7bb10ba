export interface CircuitOptions {
  /** Failures in a row until it opens. */
  readonly failures: number
  /** Milliseconds for which it is open then. */
  readonly openMs: number
  /** Milliseconds that only grow. */
  now(): number
}

const DEFAULTS: CircuitOptions = { failures: 5, openMs: 30_000, now: () => performance.now() }

/**
 * Whether a provider answers, by what its calls came to. In memory and without a timer: the state is read from the clock.
 *
 *              5 failures in a row                   the time is over, and somebody asks
 *     closed ───────────────────────▶ open for 30 s ─────────────────────────────────────▶ half open
 *       ▲                                   ▲                                                  │ one may begin, and
 *       │                                   └── nobody has heard of it within another 30 s ◀───┤ nobody else
 *       └────────────── a call begins to answer (this one, or any that still ran) ◀────────────┘
 *
 * Half open is open again, with a new end: so whoever was let in and never came to a call holds nothing. What closes it
 * is the beginning of an answer and what resets the count is a whole one, because a provider that begins and breaks off
 * every time is no good either: its next failure opens it again.
 *
 * A failure of the provider is what would have met anybody: no connection, silence, 408, 429, 5xx. It is not what may be
 * the fault of one request (400, 413, an answer that cannot be read), since then one tenant could close a provider for all;
 * nor 401, 403 and 404: these answers cost nothing, and the operator who must mend them shall see them.
 */
export interface Circuit {
  /** Milliseconds until somebody may try; 0: now. */
  waitMs(): number
  /** For a new run: with 0 it may begin (and has the one try of a half-open circuit); else as `waitMs`. */
  admit(): Admission
  /** A call begins to answer. */
  answers(): void
  /** A call ended well. */
  succeeded(): void
  /** A call, its retries included, failed by the provider's fault. True where that opened the circuit. */
  failed(): boolean
}

export interface Admission {
  readonly waitMs: number
  /** It comes to no call: somebody else may try. */
  leave(): void
}

export function createCircuit(options: Partial<CircuitOptions> = {}): Circuit {
  const { failures, openMs, now } = { ...DEFAULTS, ...options }
  let inARow = 0
  let openUntil: number | null = null
  const waitMs = () => (openUntil === null ? 0 : Math.max(0, openUntil - now()))
  return {
    waitMs,
    admit() {
      const wait = waitMs()
      if (wait > 0 || openUntil === null) return { waitMs: wait, leave: () => {} }
      const until = now() + openMs
      openUntil = until
      return {
        waitMs: 0,
        leave() {
          if (openUntil === until) openUntil = now()
        },
      }
    },
    answers() {
      openUntil = null
    },
    succeeded() {
      openUntil = null
      inARow = 0
    },
    failed() {
      inARow += 1
      // What had begun before it opened ends later, and must not keep it open.
      if (inARow < failures || waitMs() > 0) return false
      openUntil = now() + openMs
      return true
    },
  }
}
