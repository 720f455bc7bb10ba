import type { Log } from '../observe/log.ts'
import { faultPoint } from '../observe/fault-point.ts'
import { insertEvent } from '../store/event-rows.ts'
import type { Handles } from '../store/handles.ts'
import { claimOrphans, claimQueued, claimToEnd } from '../store/node-rows.ts'
import type { ClaimedRun } from '../store/node-rows.ts'
import { isDuplicate, isUnavailable } from '../store/unavailable.ts'
import { driveRun } from './drive-run.ts'
import type { DriveParts } from './drive-run.ts'
import type { Node } from './join-node.ts'
import type { LiveRuns } from './live-runs.ts'
import { readClaimed } from './read-claimed.ts'
import { RunError, Stopped } from './run-error.ts'

const AT_A_TIME = 20
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

/** A run by its key. */
export interface RunAddress {
  readonly orgId: string
  readonly projectId: string
  readonly id: string
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
  const claimant = () => ({ nodeId: node.id, epoch: node.epoch, driven: live.ids(), left: live.left(), limit: AT_A_TIME })
  const takeOver = async (): Promise<void> => {
    for (let more = true; more; ) {
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

/** One that cannot be read is this node's and driven by nobody: a later sweep claims it again. */
async function tryToDrive(claimed: ClaimedRun, parts: ClaimParts, event: 'run_began' | null = null): Promise<Driving> {
  const { live, log, drive, node, scoped, changed } = parts
  const key = { orgId: claimed.org_id, projectId: claimed.project_id, id: claimed.id }
  const runLog = log.child({ org_id: claimed.org_id, run_id: claimed.id })
  faultPoint('claimed')
  const takenOver = claimed.from_node !== ''
  if (takenOver) drive.metrics.takenOver()
  try {
    const run = await readClaimed(claimed, { scoped })
    if (event) await scoped(run.context.rows, (sql) => insertEvent(sql, { projectId: key.projectId, kind: event, threadId: claimed.thread_id, runId: key.id }))
    const { org, project, limits } = run.context
    const named = runLog.child({ org_slug: org.slug, project_slug: project?.slug })
    if (takenOver) named.info({ node: node.id, from: claimed.from_node, fence: claimed.fence, takeovers: claimed.takeovers + 1 }, 'a run is taken over')
    else named.info({ node: node.id, fence: claimed.fence }, event ? 'a run that waited begins' : 'a run begins')
    const ended = live.start({ runId: key.id, maxMs: limits.runMs - claimed.age_ms, ended: reasonToEnd(claimed) }, (running) => driveRun({ ...run, ...running, log: named }, drive))
    changed(key, 'begun')
    return { ended: ended.then(() => changed(key, 'ended')) }
  } catch (error) {
    runLog.error({ cause: error }, 'a claimed run cannot be gone on with; it will be tried again')
    if (isUnavailable(error)) live.leave(key.id)
    return NOT_DRIVEN
  }
}

function reasonToEnd({ stop_requested, takeovers }: ClaimedRun): Error | undefined {
  if (stop_requested) return new Stopped()
  return takeovers > MOST_TAKEOVERS ? new RunError('interrupted', 'The server went away while it was answering, again and again. Ask again, in other words.') : undefined
}
