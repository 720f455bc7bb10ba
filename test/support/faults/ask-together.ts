import type { Fleet } from './fleet.ts'
import { askAndFollow } from './history.ts'
import type { History, Put } from './history.ts'
import type { Plan } from './plan.ts'

const PATIENCE_MS = 3_000
const DEADLINE_MS = 60_000

/** Questions on their way: what becomes of them, and what their threads are called. */
export interface Asked {
  readonly histories: Promise<readonly History[]>
  readonly threads: readonly string[]
}

export interface Asking {
  readonly plans: readonly Plan[]
  /** The node to which the n-th question goes first. */
  at(index: number): number
}

/** Each in a thread of its own, by somebody who asks again wherever a node is left. */
export function askTogether(fleet: Fleet, { plans, at }: Asking): Asked {
  const threads = plans.map((plan) => `thread-${plan.id}`)
  const histories = plans.map((plan, index) => askOne(fleet, plan, { thread: threads[index] ?? '', at: at(index) }))
  return { histories: Promise.all(histories), threads }
}

export function askOne(fleet: Fleet, plan: Plan, put: Put): Promise<History> {
  return askAndFollow(plan, put, { key: fleet.world.keys.bob, doors: () => fleet.nodes.filter((node) => node.alive), patienceMs: PATIENCE_MS, deadlineMs: DEADLINE_MS })
}
