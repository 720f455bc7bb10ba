import type { Seeded } from '../../test/support/faults/seeded.ts'
import type { Script } from '../script.ts'

/** How a reader comes back: by the run's own address, by the thread's, or as a page that was loaded again and has nothing. */
export type Door = 'run' | 'thread' | 'reload'

export interface Drop {
  /** After how many events of this connection. */
  readonly after: number
  readonly awayMs: number
  readonly door: Door
}

/** What one reader does with one question, settled before it asks. */
export interface Plan {
  readonly script: Script
  readonly drops: readonly Drop[]
  /** Events after which it stops the run; null: it does not. */
  readonly stopAfter: number | null
  /** Events after which it goes for good. */
  readonly leaveAfter: number | null
}

const SHARES = { burst: 0.1, drops: 0.4, stops: 0.15, leaves: 0.05, awayLong: 0.2 }

export function drawPlan(chance: Seeded): Plan {
  const script: Script = chance.chance(SHARES.burst) ? { tokens: chance.between(50, 500) } : { tokens: chance.between(30, 120), rate: chance.between(3, 8) }
  const early = () => chance.between(1, Math.min(40, script.tokens))
  return {
    script,
    drops: chance.chance(SHARES.drops) ? Array.from({ length: chance.between(1, 4) }, () => drawDrop(chance)) : [],
    stopAfter: chance.chance(SHARES.stops) ? early() : null,
    leaveAfter: chance.chance(SHARES.leaves) ? early() : null,
  }
}

function drawDrop(chance: Seeded): Drop {
  return {
    after: chance.between(0, 40),
    awayMs: chance.chance(SHARES.awayLong) ? chance.between(1_000, 8_000) : chance.between(0, 300),
    door: chance.pick(['run', 'run', 'thread', 'reload']),
  }
}
