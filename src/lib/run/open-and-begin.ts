import { faultPoint } from '../observe/fault-point.ts'
import type { Log } from '../observe/log.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Handles } from '../store/handles.ts'
import { wakeNode } from '../store/node-rows.ts'
import type { RunAddress } from '../store/run-rows.ts'
import type { ChatCommand } from './chat-command.ts'
import { createModelChoice } from './choose-model.ts'
import { driveRun } from './drive-run.ts'
import type { DriveParts, DrivenRun } from './drive-run.ts'
import type { Node } from './join-node.ts'
import type { LiveRuns, Running } from './live-runs.ts'
import { openRun } from './open-run.ts'
import type { BegunRun, OpenedRun, OpenedTurn } from './open-run.ts'
import type { ScopeEvents } from './scope-events.ts'
import { takeTurn } from './take-turn.ts'
import type { TurnParts } from './take-turn.ts'

/** What it takes to open runs in this process, and to drive them where it drives any. */
export interface OpeningParts extends Pick<Handles, 'scoped' | 'sweeper'> {
  readonly drive: DriveParts
  /** Who drives what is opened; null: others do. */
  readonly node: Pick<Node, 'id' | 'epoch'> | null
  readonly live: LiveRuns
  readonly events: Pick<ScopeEvents, 'notify'>
  readonly stop: TurnParts['stop']
  changed(run: RunAddress, what: 'begun' | 'ended'): void
  /** What waits in a thread may begin: not to wait for the next look. */
  lookSoon(): void
}

/** Opens a run, and begins to drive it where it is to be driven here now; tells whoever follows its scope, or is to drive it. */
export async function openAndBegin(parts: OpeningParts, context: ChatExecutionContext, command: ChatCommand, log: Log): Promise<OpenedRun | Refusal> {
  const { node, events, sweeper } = parts
  const opened = await open(parts, context, command)
  if (!opened.ok) return opened
  events.notify({ orgId: context.org.id, projectId: opened.run.projectId })
  faultPoint('run_written')
  const { begun, ...answer } = opened
  if (!begun && node) parts.lookSoon() // what it waits for may have ended while it got in line
  // Whoever drives hears of it at once; a wake-up that is lost costs a second.
  if (!node) await sweeper((sql) => wakeNode(sql, '')).catch((error: unknown) => log.warn({ cause: error }, 'the workers could not be woken'))
  if (begun) begin(parts, context, begun, { about: command.about ?? [], log: log.child({ run_id: begun.owned.id }) })
  return answer
}

/** The try of a half-open circuit is for a run that begins here now: on every other way out, somebody else may have it. */
async function open({ scoped, drive, node, stop }: OpeningParts, context: ChatExecutionContext, command: ChatCommand): Promise<OpenedTurn | Refusal> {
  const model = createModelChoice(drive.models, context, command.model)
  const owner = node && { id: node.id, epoch: node.epoch }
  let begins = false
  try {
    const opened = await takeTurn({ open: openRun.bind(null, { scoped, newId: drive.newId, owner, model }), stop }, context, command)
    begins = opened.ok && opened.begun !== null
    return opened
  } finally {
    if (!begins) model.leave()
  }
}

function begin(
  { drive, live, changed }: OpeningParts,
  context: ChatExecutionContext,
  { start, ...run }: BegunRun,
  rest: Pick<DrivenRun, 'about' | 'log'>,
): void {
  const key = { orgId: context.org.id, projectId: run.owned.projectId, id: run.owned.id }
  drive.metrics.runBegan()
  drive.journal.append(key.id, [start])
  drive.journal.settle(key.id, start.seq)
  faultPoint('claimed')
  const driven = (running: Running) => driveRun({ ...run, ...rest, ...running, context, resumed: null }, drive)
  void live.start({ runId: key.id, maxMs: context.limits.runMs }, driven).then(() => changed(key, 'ended'))
}
