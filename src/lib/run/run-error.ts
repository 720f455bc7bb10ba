import type { Lack } from '../scope/covers.ts'

/** Why a run ends early, in words that may be shown. What only the log may know is the cause, and which right was `lost`. */
export class RunError extends Error {
  readonly code: 'scope_changed' | 'ai_unavailable' | 'run_limit' | 'interrupted'
  readonly lost: Lack | null

  constructor(code: RunError['code'], message: string, lost: Lack | null = null) {
    super(message)
    this.name = 'RunError'
    this.code = code
    this.lost = lost
  }
}

/** The run has another owner or has ended: whoever gets this stops at once and writes nothing more. */
export class FenceLost extends Error {
  constructor() {
    super('This run is no longer this writer’s.')
    this.name = 'FenceLost'
  }
}

/**
 * This node no longer drives the run, which has not ended: whoever gets this stops at once, writes nothing more, and leaves
 * the run to whoever claims it. Not a failure of the run.
 */
export class RunLeft extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RunLeft'
  }
}

/** This process stops in order: what a tool is doing may still be done, and recorded, before another node goes on. */
export class HandedOver extends RunLeft {
  constructor() {
    super('This server is stopping: the run goes on elsewhere.')
    this.name = 'HandedOver'
  }
}

/** A person asked the run to stop. Not a failure. */
export class Stopped extends Error {
  constructor() {
    super('The run was stopped.')
    this.name = 'Stopped'
  }
}
