/** Why a run ends early, in words that may be shown. What only the log may know is the cause. */
export class RunError extends Error {
  readonly code: 'scope_changed' | 'ai_unavailable' | 'run_limit' | 'interrupted'

  constructor(code: RunError['code'], message: string) {
    super(message)
    this.name = 'RunError'
    this.code = code
  }
}

/** The run has another owner or has ended: whoever gets this stops at once and writes nothing more. */
export class FenceLost extends Error {
  constructor() {
    super('This run is no longer this writer’s.')
    this.name = 'FenceLost'
  }
}

/** A person asked the run to stop. Not a failure. */
export class Stopped extends Error {
  constructor() {
    super('The run was stopped.')
    this.name = 'Stopped'
  }
}
