/** A chunk as text with its place: encoded once, shared by everybody who reads it. */
export interface Frame {
  readonly fence: number
  readonly seq: number
  /** The server-sent event, `id:` and `data:` included. */
  readonly text: string
  readonly terminal: boolean
  /** The number of the run's read set when this was said: a growth means that a reader must be checked again. */
  readonly readSet: number
}

/** A reader's place in the live frames of one run. */
export interface Tail {
  /**
   * The frames after `seq`, as soon as there are any: dense, beginning with `seq + 1`. `elsewhere` where the next one is
   * not held here (the run is another node's, has ended, or the frame was settled and forgotten): the store has it, or
   * will. Resolves with an empty list when the signal aborts.
   */
  next(seq: number, signal: AbortSignal): Promise<readonly Frame[] | 'elsewhere'>
  /** Must be called once: an ended run is forgotten when its last reader has gone. */
  close(): void
}

/**
 * The live tail of running runs. Not the archive: what is committed is in the store, and a journal may forget it.
 *
 * Obligations of an adapter: `append` takes frames in order and never waits; what was appended and not settled is never
 * forgotten; readers wake once per tick and not per frame.
 */
export interface Journal {
  append(runId: string, frames: readonly Frame[]): void
  /** Everything up to `seq` is committed and may be forgotten. */
  settle(runId: string, seq: number): void
  /** Nothing more will be appended here. */
  end(runId: string): void
  tail(runId: string): Tail
  close(): Promise<void>
}
