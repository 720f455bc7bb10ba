import type { Log } from '../observe/log.ts'
import type { Handles } from '../store/handles.ts'
import { registerNode, rejoinNode, releaseNode, renewNode } from '../store/node-rows.ts'
import { repeat } from './repeat.ts'

/** Renewed so often that one that is late, or lost, is made good before the lease ends. */
const RENEWALS_PER_LEASE = 3

/** One process among those on a database. What it owns is an orphan as soon as its lease ends or another life of it begins. */
export interface Node {
  readonly id: string
  /** The life of it that goes on: grows when a lease was lost and taken again. */
  readonly epoch: number
  /**
   * Whether its lease holds, by its own monotonic clock, counted from before it was asked for: never longer than the database
   * thinks. A process that was stopped and goes on finds out here, before any timer has told it.
   */
  holds(): boolean
  leave(): Promise<void>
}

export interface NodeOptions {
  readonly id: string
  /** Null where no other process can open the store: then the lock on it is the lease, and nothing is renewed. */
  readonly leaseMs: number | null
  /** The lease has ended: others may have taken what this node owns. It has a new life when it is told so. */
  onLost(): void
  readonly log: Log
}

/** Takes a lease in database time and keeps it until `leave`. */
export async function joinNode({ sweeper }: Pick<Handles, 'sweeper'>, { id, leaseMs, onLost, log }: NodeOptions): Promise<Node> {
  let asked = performance.now()
  let epoch = await sweeper((sql) => registerNode(sql, id, leaseMs))
  if (leaseMs === null) return { id, epoch, holds: () => true, leave: () => sweeper((sql) => releaseNode(sql, id, epoch)) }

  let until = asked + leaseMs
  let ending: NodeJS.Timeout | undefined
  const holds = () => performance.now() < until
  const hold = (): void => {
    until = asked + leaseMs
    clearTimeout(ending)
    ending = setTimeout(lose, until - performance.now())
  }
  const lose = (): void => {
    clearTimeout(ending)
    if (until === 0) return
    until = 0
    log.error({ node: id, epoch }, 'the lease of this node has ended: it drives nothing until it has taken a new one')
    onLost()
  }
  const renew = async (): Promise<void> => {
    if (!holds()) lose()
    asked = performance.now()
    if (until > 0) {
      const mine = await sweeper((sql) => renewNode(sql, id, epoch, leaseMs))
      return mine && holds() ? hold() : lose()
    }
    const next = await sweeper((sql) => rejoinNode(sql, id, epoch, leaseMs))
    if (next === null) return log.error({ node: id }, 'another process has joined under the name of this node: give each one its own')
    epoch = next
    hold()
  }
  hold()
  const renewing = repeat(leaseMs / RENEWALS_PER_LEASE, renew, (error) => log.error({ node: id, cause: error }, 'the lease could not be renewed'))
  return {
    id,
    get epoch() {
      return epoch
    },
    holds,
    async leave() {
      clearTimeout(ending)
      await renewing.end()
      clearTimeout(ending)
      await sweeper((sql) => releaseNode(sql, id, epoch))
    },
  }
}
