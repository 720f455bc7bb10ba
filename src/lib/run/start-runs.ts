import type { Frame } from '../journal/journal.ts'
import { createRunWatch } from '../journal/run-watch.ts'
import type { Log } from '../observe/log.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Handles } from '../store/handles.ts'
import type { RunAddress } from '../store/run-rows.ts'
import type { Store } from '../store/store.ts'
import type { ChatCommand } from './chat-command.ts'
import { createClaims } from './claim-runs.ts'
import type { DriveParts } from './drive-run.ts'
import { followAsReader } from './follow-as-reader.ts'
import type { ReaderPlace } from './follow-as-reader.ts'
import { joinNode } from './join-node.ts'
import type { Node } from './join-node.ts'
import { createLiveRuns } from './live-runs.ts'
import { openAndBegin } from './open-and-begin.ts'
import type { OpenedRun, RunRef } from './open-run.ts'
import { stopRun } from './stop-run.ts'
import type { StopOutcome, StopWanted } from './stop-run.ts'
import type { ScopeEvents } from './scope-events.ts'
import { startSweeps } from './start-sweeps.ts'
import type { Sweeps } from './start-sweeps.ts'

/** All runs of this process. */
export interface Runs {
  /** Opens a run and begins to drive it; refuses with `unavailable` while it closes. */
  open(context: ChatExecutionContext, command: ChatCommand, log: Log): Promise<OpenedRun | Refusal>
  follow(context: ChatExecutionContext, run: RunRef, from: ReaderPlace, signal: AbortSignal): AsyncIterable<readonly Frame[]>
  stop(context: ChatExecutionContext, wanted: StopWanted): Promise<StopOutcome | Refusal>
  /** Takes no more, lets what runs finish for `graceMs`, then hands it over, cuts who follows what goes on elsewhere, and gives the node's lease back. */
  close(graceMs: number): Promise<void>
}

export interface RunsOptions {
  readonly handles: Pick<Store, 'scoped' | 'sweeper' | 'urgent' | 'hear'>
  readonly drive: Omit<DriveParts, 'giveUp' | 'holds' | 'sweeper'>
  /** Told of what begins and ends here. */
  readonly events: Pick<ScopeEvents, 'notify'>
  readonly node: {
    readonly id: string
    /** True where no other process can open the store: then the lock on it is the lease. */
    readonly alone: boolean
    readonly leaseMs: number
    /** False: others drive what is opened here. */
    readonly drives: boolean
  }
  readonly log: Log
}

/** While the server stops, also to whom is told so at the door. */
export const STOPPING: Refusal = refuse('unavailable', 'The server is stopping. Ask again in a moment.', { retry_after: 5 })

/** Joins as a node, and goes on with what dead ones left behind before the first run is opened. */
export async function startRuns({ handles, drive, events, node: named, log }: RunsOptions): Promise<Runs> {
  const giveUp = new AbortController()
  const closing = new AbortController()
  const live = createLiveRuns(drive.metrics)
  const node = await joinAs(named, { sweeper: handles.urgent }, {
    log,
    onLost() {
      drive.metrics.leaseLapsed()
      live.leaveAll('This node’s lease has ended.')
    },
  })
  const parts: DriveParts = { ...drive, sweeper: handles.sweeper, holds: node.holds, giveUp: giveUp.signal }
  const watch = createRunWatch(handles)
  let sweeps: Sweeps | null = null // until their first turn is over, in which what was taken over may end
  const lookSoon = () => sweeps?.soon()
  const changed = (run: RunAddress, what: 'begun' | 'ended'): void => {
    watch.nudge(run)
    events.notify(run)
    if (what === 'ended') lookSoon() // somebody may wait for the end of this one
  }
  const claims = createClaims({ ...handles, drive: parts, node, live, log, changed })
  sweeps = await startSweeps({ ...handles, node, live, claims, watch, log, ...named })

  const stop: Runs['stop'] = (context, wanted) => stopRun({ ...handles, live, claims }, context, wanted)
  const opening = { ...handles, drive: parts, node: named.drives ? node : null, live, events, stop, changed, lookSoon }
  const following = { ...handles, journal: parts.journal, scopes: parts.scopes, watch, holds: node.holds, closing: closing.signal }
  let stopping = false
  return {
    open: async (context, command, requestLog) => (stopping ? STOPPING : live.opening(openAndBegin(opening, context, command, requestLog))),
    follow: (context, run, from, signal) => followAsReader(following, context, run, from, signal),
    stop,
    async close(graceMs) {
      stopping = true
      sweeps?.takeNone()
      await live.drain(graceMs)
      closing.abort()
      giveUp.abort()
      await sweeps?.end()
    },
  }
}

/** Where others drive, this process owns nothing: its name is only for what it ends, because somebody asked it to. */
function joinAs(
  { id, alone, leaseMs, drives }: RunsOptions['node'],
  handles: Pick<Handles, 'sweeper'>,
  told: { readonly log: Log; onLost(): void },
): Promise<Node> {
  if (drives) return joinNode(handles, { id, leaseMs: alone ? null : leaseMs, ...told })
  return Promise.resolve({ id, epoch: 1, holds: () => true, leave: async () => {} })
}
