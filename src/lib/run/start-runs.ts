import { followRun } from '../journal/follow-run.ts'
import type { FollowFrom } from '../journal/follow-run.ts'
import type { Frame } from '../journal/journal.ts'
import { createRunWatch } from '../journal/run-watch.ts'
import { faultPoint } from '../observe/fault-point.ts'
import type { Log } from '../observe/log.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Handles, ScopedSql } from '../store/handles.ts'
import { wakeNode } from '../store/node-rows.ts'
import { findReadSet } from '../store/read-set-rows.ts'
import { findRun } from '../store/run-rows.ts'
import type { RunAddress } from '../store/run-rows.ts'
import type { Store } from '../store/store.ts'
import type { ChatCommand } from './chat-command.ts'
import { createClaims } from './claim-runs.ts'
import { driveRun } from './drive-run.ts'
import type { DriveParts, DrivenRun } from './drive-run.ts'
import { joinNode } from './join-node.ts'
import type { Node } from './join-node.ts'
import { followWatched } from './follow-watched.ts'
import { createLiveRuns } from './live-runs.ts'
import type { Running } from './live-runs.ts'
import { openRun } from './open-run.ts'
import type { BegunRun, OpenedRun, RunRef } from './open-run.ts'
import { stopRun } from './stop-run.ts'
import type { StopOutcome, StopWanted } from './stop-run.ts'
import type { ScopeEvents } from './scope-events.ts'
import { startSweeps } from './start-sweeps.ts'
import type { Sweeps } from './start-sweeps.ts'
import { takeTurn } from './take-turn.ts'

/** All runs of this process. */
export interface Runs {
  /** Opens a run and begins to drive it; refuses with `unavailable` while it closes, and with `ai_unavailable` while that model's provider fails. */
  open(context: ChatExecutionContext, command: ChatCommand, log: Log): Promise<OpenedRun | Refusal>
  follow(context: ChatExecutionContext, run: RunRef, from: FollowFrom, signal: AbortSignal): AsyncIterable<readonly Frame[]>
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

function noModel(waitMs: number): Refusal {
  const seconds = Math.ceil(waitMs / 1_000)
  return refuse('ai_unavailable', `This model does not answer at the moment. Ask again in ${seconds} s, or name another one in "model".`, { retry_after: seconds })
}

/** Joins as a node, and goes on with what dead ones left behind before the first run is opened. */
export async function startRuns({ handles, drive, events, node: named, log }: RunsOptions): Promise<Runs> {
  const giveUp = new AbortController()
  const closing = new AbortController()
  const { metrics } = drive
  const live = createLiveRuns(metrics)
  const node = await joinAs(named, { sweeper: handles.urgent }, {
    log,
    onLost() {
      metrics.leaseLapsed()
      live.leaveAll('This node’s lease has ended.')
    },
  })
  const parts: DriveParts = { ...drive, sweeper: handles.sweeper, holds: node.holds, giveUp: giveUp.signal }
  const { journal } = parts
  const watch = createRunWatch(handles)
  let sweeps: Sweeps | null = null // until their first turn is over, in which what was taken over may end
  const changed = (run: RunAddress, what: 'begun' | 'ended'): void => {
    watch.nudge(run)
    events.notify(run)
    if (what === 'ended') sweeps?.soon() // somebody may wait for the end of this one
  }
  const claims = createClaims({ ...handles, drive: parts, node, live, log, changed })
  sweeps = await startSweeps({ ...handles, node, live, claims, watch, log, ...named })

  let stopping = false

  const stop = (context: ChatExecutionContext, wanted: StopWanted) => stopRun({ ...handles, live, claims }, context, wanted)

  const open = async (context: ChatExecutionContext, command: ChatCommand, requestLog: Log): Promise<OpenedRun | Refusal> => {
    const model = parts.models.choose(context.models, command.model)
    if (!model.ok) return noModel(model.waitMs)
    const owner = named.drives ? { id: node.id, epoch: node.epoch } : null
    const turn = { open: openRun.bind(null, { scoped: handles.scoped, newId: parts.newId, owner }), stop }
    const opened = await takeTurn(turn, context, { ...command, model: model.name }).catch((error: unknown) => {
      model.leave()
      throw error
    })
    if (!opened.ok || !opened.begun) model.leave()
    if (!opened.ok) return opened
    events.notify({ orgId: context.org.id, projectId: opened.run.projectId })
    faultPoint('run_written')
    const { begun, ...answer } = opened
    if (!begun && named.drives) sweeps?.soon() // what it waits for may have ended while it got in line
    // Whoever drives hears of it at once; a wake-up that is lost costs a second.
    if (!named.drives) await handles.sweeper((sql) => wakeNode(sql, '')).catch((error: unknown) => requestLog.warn({ cause: error }, 'the workers could not be woken'))
    if (begun) begin(context, begun, { about: command.about ?? [], log: requestLog.child({ run_id: begun.owned.id }) })
    return answer
  }

  const begin = (context: ChatExecutionContext, { start, ...run }: BegunRun, rest: Pick<DrivenRun, 'about' | 'log'>): void => {
    const key = { orgId: context.org.id, projectId: run.owned.projectId, id: run.owned.id }
    const { id } = key
    metrics.runBegan()
    journal.append(id, [start])
    journal.settle(id, start.seq)
    faultPoint('claimed')
    const driven = (running: Running) => driveRun({ ...run, ...rest, ...running, context, resumed: null }, parts)
    void live.start({ runId: id, maxMs: context.limits.runMs }, driven).then(() => changed(key, 'ended'))
  }

  return {
    open: async (context, command, requestLog) =>
      stopping ? STOPPING : live.opening(open(context, command, requestLog)),
    follow: (context, run, from, signal) =>
      followWatched({ watch: parts.scopes, scoped: handles.scoped }, { context, stillSees: sees(run, context), everyMs: context.limits.scopeMs, signal }, (watched) =>
        followRun({ journal, scoped: watched.scoped, watch, holds: node.holds, closing: closing.signal }, { reader: context.rows, run, from, signal: watched.signal }),
      ),
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

/** Whether what a run has read by now is still all this reader's; and, of another's run, whether its thread is still shared. */
function sees({ projectId, id }: RunRef, { rows }: ChatExecutionContext): (sql: ScopedSql) => Promise<boolean | 'own'> {
  return async (sql) => {
    if (!(await findReadSet(sql, projectId, id))) return false
    return (await findRun(sql, projectId, id))?.author_id === rows.userId ? 'own' : true
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
