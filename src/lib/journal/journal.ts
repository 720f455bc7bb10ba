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

/**
 * A reader's place in a run: it has everything up to `seq`, as it was under `fence`. Where a later claim began at or before
 * that `seq`, what the reader has beyond that claim's base was dropped.
 */
export interface Position {
  readonly fence: number
  readonly seq: number
}

/** A reader's place in the live frames of one run. */
export interface Tail {
  /**
   * The frames after a place, as soon as there are any: dense, beginning with `seq + 1`. `elsewhere` where the next one is
   * not held here (the run is another node's, has ended, or the frame was settled and forgotten), and where the place is of
   * an older fence and cannot be told to be kept: the store knows, or will. Resolves with an empty list when the signal aborts.
   */
  next(at: Position, signal: AbortSignal): Promise<readonly Frame[] | 'elsewhere'>
  /** Must be called once: an ended run is forgotten when its last reader has gone. */
  close(): void
}

/**
 * The live tail of running runs. Not the archive: what is committed is in the store, and a journal may forget it.
 *
 * Obligations of an adapter: `append` takes frames in order and never waits; frames of a later fence begin where its claim
 * has its base, and whatever was held beyond that base is dropped with them; frames of an older fence than the last are a
 * broken promise, and throw where the adapter sees it at once, else are never shown; what was appended here and not settled
 * is never forgotten; readers wake once per tick and not per frame.
 */
export interface Journal {
  append(runId: string, frames: readonly Frame[]): void
  /** Everything up to `seq` is committed and may be forgotten. */
  settle(runId: string, seq: number): void
  /** Nothing more will be appended here. Unless the run's terminal frame was appended, another node may go on with it. */
  end(runId: string): void
  /** `heard` is called where frames come for a reader that was sent elsewhere: it may ask here again. */
  tail(runId: string, heard?: () => void): Tail
  /** Calls `told` whenever what nodes share did not take or give what it was asked for. Absent where nothing is shared. */
  onFailure?(told: () => void): void
  close(): Promise<void>
}
