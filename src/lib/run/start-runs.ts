import { followRun } from '../journal/follow-run.ts'
import type { FollowFrom } from '../journal/follow-run.ts'
import type { Frame } from '../journal/journal.ts'
import type { Log } from '../observe/log.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Handles } from '../store/handles.ts'
import type { ChatCommand } from './chat-command.ts'
import { driveRun } from './drive-run.ts'
import type { DriveParts } from './drive-run.ts'
import { joinNode } from './join-node.ts'
import { createLiveRuns } from './live-runs.ts'
import { openRun } from './open-run.ts'
import type { OpenedRun, RunRef } from './open-run.ts'
import { createRecovery } from './recover-runs.ts'
import { repeat } from './repeat.ts'
import { stopRun } from './stop-run.ts'
import type { StopOutcome, StopWanted } from './stop-run.ts'

/** All runs of this process. */
export interface Runs {
  /** Opens a run and begins to drive it; refuses with `unavailable` while it closes, and with `ai_unavailable` while that model's provider fails. */
  open(context: ChatExecutionContext, command: ChatCommand, log: Log): Promise<OpenedRun | Refusal>
  follow(context: ChatExecutionContext, run: RunRef, from: FollowFrom, signal: AbortSignal): AsyncIterable<readonly Frame[]>
  stop(context: ChatExecutionContext, wanted: StopWanted): Promise<StopOutcome | Refusal>
  /** Takes no more, lets what runs finish for `graceMs`, then ends it, and gives the node's lease back. */
  close(graceMs: number): Promise<void>
}

export interface RunsOptions {
  readonly handles: Pick<Handles, 'scoped' | 'sweeper'>
  readonly drive: Omit<DriveParts, 'giveUp'>
  readonly node: { readonly id: string; readonly alone: boolean }
  readonly log: Log
}

/** While the server stops, also to whom is told so at the door. */
export const STOPPING: Refusal = refuse('unavailable', 'The server is stopping. Ask again in a moment.', { retry_after: 5 })

function noModel(waitMs: number): Refusal {
  const seconds = Math.ceil(waitMs / 1_000)
  return refuse('ai_unavailable', `This model does not answer at the moment. Ask again in ${seconds} s, or name another one in "model".`, { retry_after: seconds })
}

const SWEEP_MS = 5_000

/** Joins as a node and ends what dead ones left behind, before the first run is opened. */
export async function startRuns({ handles, drive, node: named, log }: RunsOptions): Promise<Runs> {
  const giveUp = new AbortController()
  const parts: DriveParts = { ...drive, giveUp: giveUp.signal }
  const { journal } = parts
  const node = await joinNode(handles, { ...named, log })
  const live = createLiveRuns()
  const recovery = createRecovery({ ...handles, journal, node, log, giveUp: giveUp.signal, driven: live.ids })
  const sweeping = repeat(SWEEP_MS, recovery.sweep, (error) => log.error({ cause: error }, 'the sweep for orphaned runs failed'))
  // What cannot be said to a database that is away is left to the lease's end.
  const leave = () => node.leave().catch((error: unknown) => log.warn({ cause: error }, 'the lease could not be given back'))
  try {
    await sweeping.now()
  } catch (error) {
    await leave()
    throw error
  }

  let stopping = false

  const begin = async (context: ChatExecutionContext, command: ChatCommand, requestLog: Log): Promise<OpenedRun | Refusal> => {
    const model = parts.models.choose(context.models, command.model)
    if (!model.ok) return noModel(model.waitMs)
    const opened = await openRun({ scoped: handles.scoped, newId: parts.newId, node }, context, { ...command, model: model.name }).catch((error: unknown) => {
      model.leave()
      throw error
    })
    if (!opened.ok || !opened.begun) model.leave()
    if (!opened.ok) return opened
    const { begun, ...answer } = opened
    if (!begun) return answer
    const { start, ...run } = begun
    const { id } = answer.run
    journal.append(id, [start])
    journal.settle(id, start.seq)
    const runLog = requestLog.child({ run_id: id })
    live.start(id, context.limits.runMs, (signal) => driveRun({ ...run, about: command.about ?? [], context, signal, log: runLog }, parts))
    return answer
  }

  return {
    open: async (context, command, requestLog) => (stopping ? STOPPING : live.opening(begin(context, command, requestLog))),
    follow: (context, run, from, signal) => followRun({ journal, scoped: handles.scoped }, { reader: context.rows, run, from, signal }),
    stop: (context, wanted) => stopRun({ ...handles, live }, context, wanted),
    async close(graceMs) {
      stopping = true
      await live.drain(graceMs)
      giveUp.abort()
      await sweeping.end()
      await leave()
    },
  }
}
