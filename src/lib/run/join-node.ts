import type { Log } from '../observe/log.ts'
import type { Handles } from '../store/handles.ts'
import { registerNode, releaseNode, renewNode } from '../store/node-rows.ts'
import { repeat } from './repeat.ts'

const LEASE_MS = 5_000
const RENEW_MS = 1_500

/** One life of a process: what it owns is an orphan as soon as its lease ends or a later life begins. */
export interface Node {
  readonly id: string
  readonly epoch: number
  leave(): Promise<void>
}

export interface NodeOptions {
  readonly id: string
  /** True where no other process can open the store: then the lock on it is the lease, and nothing is renewed. */
  readonly alone: boolean
  readonly log: Log
}

/** Takes a lease in database time and keeps it until `leave`. */
export async function joinNode({ sweeper }: Pick<Handles, 'sweeper'>, { id, alone, log }: NodeOptions): Promise<Node> {
  const epoch = await sweeper((sql) => registerNode(sql, id, alone ? null : LEASE_MS))
  const renew = async (): Promise<void> => {
    const mine = await sweeper((sql) => renewNode(sql, id, epoch, LEASE_MS))
    if (!mine) log.error({ node: id }, 'another life of this node has begun: its runs are lost to this one')
  }
  const renewing = alone ? null : repeat(RENEW_MS, renew, (error) => log.error({ node: id, cause: error }, 'the lease could not be renewed'))
  return {
    id,
    epoch,
    async leave() {
      await renewing?.end()
      await sweeper((sql) => releaseNode(sql, id, epoch))
    },
  }
}
