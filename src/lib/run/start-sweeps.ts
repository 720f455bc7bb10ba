import type { RunWatch } from '../journal/run-watch.ts'
import type { Log } from '../observe/log.ts'
import { deleteOldEvents } from '../store/event-rows.ts'
import { deleteUnsentFiles } from '../store/file-rows.ts'
import type { SweeperSql } from '../store/handles.ts'
import type { Store } from '../store/store.ts'
import { deleteOldKeys } from '../store/idempotency-rows.ts'
import { listStopped } from '../store/stop-rows.ts'
import { trimFrames } from '../store/trim-rows.ts'
import type { Claims } from './claim-runs.ts'
import type { Node } from './join-node.ts'
import type { LiveRuns } from './live-runs.ts'
import { repeat } from './repeat.ts'
import { Stopped } from './run-error.ts'

const SWEEP_MS = 1_000
/** Where nobody else is, everything that happens is heard of at once: this is for what was lost between a commit and its word. */
const ALONE_MS = 5_000
const TIDY_MS = 60_000
/** Each throws away what a statement can in its time; what is left then is for the next minute, or for another node. */
const MOST_TURNS = 50

/** What takes its time goes through `sweeper`: on the lease's own connection it would hold up the lease. */
export interface SweepParts extends Pick<Store, 'sweeper' | 'urgent'> {
  readonly node: Node
  readonly live: LiveRuns
  readonly claims: Claims
  readonly watch: Pick<RunWatch, 'look'>
  readonly log: Log
  /** True where no other process can open the store: then nobody else asks for a stop, and no other node dies. */
  readonly alone: boolean
  /** False: others drive. */
  readonly drives: boolean
  readonly hear: Store['hear']
}

/** What a node does again and again. */
export interface Sweeps {
  /** A place in a thread has come free, or somebody asked for something: not to wait for the next turn. */
  soon(): void
  /** Takes no more runs; stops are still heard, and followers told. */
  takeNone(): void
  /** Ends them and gives the lease back. */
  end(): Promise<void>
}

/**
 * Each second (each five, where no other process can be): runs whose node is dead are taken over, queues go on, stops that
 * others asked for are heard, and followers of other nodes' runs are told. Each minute: what was kept long enough goes. Rejects where the first turn fails: a server that
 * cannot take over cannot serve.
 */
export async function startSweeps({ sweeper, urgent, node, live, claims, watch, log, alone, drives, hear }: SweepParts): Promise<Sweeps> {
  let takes = true
  const look = async (): Promise<void> => {
    await watch.look()
    if (!drives || !node.holds()) return
    await hearStops()
    if (takes) await claims.takeOver()
    if (takes) await claims.startQueued()
  }
  const hearStops = async (): Promise<void> => {
    if (live.ids().length === 0) return
    const stopped = await urgent((sql) => listStopped(sql, node.id, node.epoch))
    for (const id of stopped) void live.abort(id, new Stopped())
  }
  const throwAway = async (some: (sql: SweeperSql) => Promise<number>): Promise<void> => {
    let gone = 1
    for (let turn = 0; turn < MOST_TURNS && gone > 0; turn += 1) gone = await sweeper(some)
  }
  // Each for itself: one that fails, or takes too long, does not keep the others' from going.
  const tidy = async (): Promise<void> => {
    const done = await Promise.allSettled([throwAway(deleteOldKeys), throwAway(deleteOldEvents), throwAway(trimFrames), throwAway(deleteUnsentFiles)])
    const failed = done.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
  const sweeping = repeat(alone ? ALONE_MS : SWEEP_MS, look, (error) => log.error({ cause: error }, 'the look after runs failed'))
  const tidying = drives ? repeat(TIDY_MS, tidy, (error) => log.error({ cause: error }, 'what was kept long enough could not be thrown away')) : null
  // What cannot be said to a database that is away is left to the lease's end.
  const leave = () => node.leave().catch((error: unknown) => log.warn({ cause: error }, 'the lease could not be given back'))
  try {
    await sweeping.now()
  } catch (error) {
    await tidying?.end()
    await leave()
    throw error
  }
  const heard = drives ? hear?.({
    onWake(named) {
      if (named === node.id || named === '') sweeping.soon()
    },
    onLost: (error) => log.warn({ cause: error }, 'wake-ups of other nodes are not heard for a while: what they ask for takes up to a second'),
  }) : undefined
  return {
    soon: sweeping.soon,
    takeNone() {
      takes = false
    },
    async end() {
      await heard?.close()
      await sweeping.end()
      await tidying?.end()
      await leave()
    },
  }
}
