import { DEFAULT_LIMITS } from '../limits/limits.ts'
import type { Log } from '../observe/log.ts'
import { faultPoint } from '../observe/fault-point.ts'
import { claimOrphans, claimQueued, claimToEnd } from '../store/claim-rows.ts'
import type { ClaimedRun } from '../store/claim-rows.ts'
import { insertEvent } from '../store/event-rows.ts'
import type { Handles } from '../store/handles.ts'
import type { RunAddress } from '../store/run-rows.ts'
import { isDuplicate, isUnavailable } from '../store/unavailable.ts'
import { driveRun } from './drive-run.ts'
import type { DriveParts } from './drive-run.ts'
import type { Node } from './join-node.ts'
import type { LiveRuns, Running } from './live-runs.ts'
import { endUnread } from './end-unread.ts'
import { readClaimed } from './read-claimed.ts'
import { RunError, Stopped } from './run-error.ts'
import type { Outcome } from './settle-run.ts'

const AT_A_TIME = 20
/** What a dead node leaves is for all that live: who looks first does not take everything. The rest a second later. */
const MOST_BATCHES = 5
/** A run that could not be read so often will not be read the next time. */
const MOST_TRIES = 3
/** A run that has taken this many nodes with it is taken to be the reason. */
const MOST_TAKEOVERS = 10

export interface ClaimParts extends Pick<Handles, 'scoped' | 'sweeper'> {
  readonly drive: DriveParts
  readonly node: Pick<Node, 'id' | 'epoch'>
  readonly live: LiveRuns
  readonly log: Log
  /** A run was taken here, or has ended: whoever follows it, or waits for its place, is told. */
  changed(run: RunAddress, what: 'begun' | 'ended'): void
}

/** What this node takes over, and starts. */
export interface Claims {
  /** Takes the runs that nobody drives, and goes on with them: what was committed is kept, what was only said is said again. */
  takeOver(): Promise<void>
  /** Starts what waits in threads in which nothing runs any more. */
  startQueued(): Promise<void>
  /** Takes one run that nobody drives, or that waits, to end it as stopped. Null: it has an owner, who is to be asked. */
  takeToStop(run: RunAddress): Promise<Driving | null>
}

/** A run under way. */
interface Driving {
  readonly ended: Promise<void>
}

const NOT_DRIVEN: Driving = { ended: Promise.resolve() }

export function createClaims(parts: ClaimParts): Claims {
  const { sweeper, node, live } = parts
  const claimant = () => ({ nodeId: node.id, epoch: node.epoch, driven: live.ids(), left: live.left.ready(), limit: AT_A_TIME })
  const takeOver = async (): Promise<void> => {
    let more = true
    for (let batch = 0; more && batch < MOST_BATCHES; batch += 1) {
      const claimed = await sweeper((sql) => claimOrphans(sql, claimant()))
      await Promise.all(claimed.map((run) => tryToDrive(run, parts)))
      more = claimed.length === AT_A_TIME
    }
  }
  const startQueued = async (): Promise<void> => {
    const claimed = await sweeper((sql) => claimQueued(sql, claimant())).catch((error: unknown) => {
      if (isDuplicate(error)) return [] // another node was faster
      throw error
    })
    await Promise.all(claimed.map((run) => tryToDrive(run, parts, 'run_began')))
  }
  const takeToStop = async (run: RunAddress): Promise<Driving | null> => {
    const claimed = await sweeper((sql) => claimToEnd(sql, claimant(), run))
    return claimed && tryToDrive({ ...claimed, stop_requested: true }, parts)
  }
  return {
    takeOver: () => live.opening(takeOver()),
    startQueued: () => live.opening(startQueued()),
    takeToStop: (run) => live.opening(takeToStop(run)),
  }
}

/** A claimed run, ready to be driven. */
interface Readied {
  readonly maxMs: number
  drive(running: Running): Promise<Outcome>
}

async function tryToDrive(claimed: ClaimedRun, parts: ClaimParts, event: 'run_began' | null = null): Promise<Driving> {
  const { live, log, drive, changed } = parts
  const key = { orgId: claimed.org_id, projectId: claimed.project_id, id: claimed.id }
  const runLog = log.child({ org_id: claimed.org_id, run_id: claimed.id })
  faultPoint('claimed')
  if (claimed.reason === 'takeover') drive.metrics.takenOver()
  const ready = await readyRun(claimed, event, parts, runLog)
  if (!ready) return NOT_DRIVEN
  const ended = live.start({ runId: key.id, maxMs: ready.maxMs, ended: reasonToEnd(claimed) }, ready.drive)
  changed(key, 'begun')
  return { ended: ended.then(() => changed(key, 'ended')) }
}

/** Null: it could not be read, and a later sweep claims it again; or it is another's by now. */
async function readyRun(claimed: ClaimedRun, event: 'run_began' | null, parts: ClaimParts, log: Log): Promise<Readied | null> {
  const { live, drive, node, scoped } = parts
  if (live.left.unfit(claimed.id)) return endOnly(claimed, new Error('Its end could not be written as it should be.'), drive, log)
  try {
    const run = await readClaimed(claimed, { scoped })
    if (!run) return null
    if (event) await scoped(run.context.rows, (sql) => insertEvent(sql, { projectId: claimed.project_id, kind: event, threadId: claimed.thread_id, runId: claimed.id }))
    const { org, project, limits } = run.context
    const named = log.child({ org_slug: org.slug, project_slug: project?.slug })
    named.info({ node: node.id, from: claimed.from_node, fence: claimed.fence, takeovers: claimed.takeovers + Number(claimed.reason === 'takeover') }, happening(claimed, event))
    return { maxMs: limits.runMs - claimed.age_ms, drive: (running) => driveRun({ ...run, ...running, log: named }, drive) }
  } catch (error) {
    const tries = live.left.leave(claimed.id)
    if (!isUnavailable(error) && (tries >= MOST_TRIES || claimed.stop_requested)) return endOnly(claimed, error, drive, log)
    log.error({ cause: error }, 'a claimed run cannot be gone on with; it will be tried again')
    return null
  }
}

function endOnly(claimed: ClaimedRun, cause: unknown, drive: DriveParts, log: Log): Readied {
  return { maxMs: DEFAULT_LIMITS.runMs, drive: ({ signal }) => endUnread(claimed, signal.aborted ? signal.reason : cause, drive, log) }
}

function happening({ reason, stop_requested: stopped }: ClaimedRun, event: 'run_began' | null): string {
  if (reason === 'takeover') return 'a run is taken over'
  if (reason === 'retry') return 'a run that was left is gone on with'
  if (stopped) return 'a run that waited is stopped'
  return event ? 'a run that waited begins' : 'a run begins'
}

function reasonToEnd({ stop_requested, takeovers }: ClaimedRun): Error | undefined {
  if (stop_requested) return new Stopped()
  return takeovers > MOST_TAKEOVERS ? new RunError('interrupted', 'The server went away while it was answering, again and again. Ask again, in other words.') : undefined
}
