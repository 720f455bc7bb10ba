import { setTimeout as pause } from 'node:timers/promises'
import type { FaultPoint } from '../../../src/lib/observe/fault-point.ts'
import { expect, vi } from 'vitest'
import { must } from '../stage.ts'
import { askTogether } from './ask-together.ts'
import type { Asked } from './ask-together.ts'
import type { Fleet, StoreName } from './fleet.ts'
import type { History } from './history.ts'
import { invariantFaults, succeeded } from './invariants.ts'
import type { FaultSignal, NodeProcess } from './node-process.ts'
import { seededPlan } from './plan.ts'
import { resumeFaults } from './resume-faults.ts'
import { seeded } from './seeded.ts'
import type { Seeded } from './seeded.ts'

/** In the order in which a run passes them. */
export const POINTS = [
  'authenticated', 'run_written', 'answered', 'claimed', 'model_asked', 'first_token', 'mid_text', 'calls_complete',
  'claims_written', 'effect_done', 'result_written', 'step_committed', 'end_built', 'end_committed',
] as const satisfies readonly FaultPoint[]

/** Three times the lease of a node: what stands still so long has lost everything that it owned. */
const STOPPED_MS = 15_000
/** Of the questions of a cell; less proves nothing. */
const SUCCEEDED = 0.8

export interface Cell {
  readonly point: FaultPoint
  readonly signal: FaultSignal
  readonly seed: number
}

/** What became of a cell: `faults` empty is passed. */
export interface CellResult extends Cell {
  readonly store: StoreName
  readonly faults: readonly string[]
  /** The longest that a reader heard nothing, from the fault on. */
  readonly pauseMs: number
}

let cells = 0

/** Lets a node die, or stand still, at a point of a run among others, and looks at everything afterwards. */
export async function runCell(fleet: Fleet, cell: Cell): Promise<CellResult> {
  const chance = seeded(cell.seed * 1_000 + POINTS.indexOf(cell.point as (typeof POINTS)[number]) * 10 + (cell.signal === 'SIGKILL' ? 0 : 1))
  const victim = chance.between(0, fleet.nodes.length - 1)
  const node = must(fleet.nodes[victim])
  await node.arm({ point: cell.point, signal: cell.signal, passing: passingOf(cell.point, chance) })
  const asked = askMany(fleet, chance, victim)
  const hitAt = await Promise.race([node.hit(), asked.histories.then(() => null)])
  if (hitAt !== null) await heal(fleet, node, cell.signal)
  const histories = await asked.histories
  if (node.alive) await node.arm(null)
  await fleet.revive()
  const faults = hitAt === null ? [`${cell.point} was never passed`] : []
  return {
    ...cell,
    store: fleet.store,
    faults: [...faults, ...(await look(fleet, histories, asked.threads))],
    pauseMs: hitAt === null ? 0 : longestSilence(histories, hitAt),
  }
}

/** A point that every run passes once is passed often enough by the two runs that surely begin on this node. */
function passingOf(point: FaultPoint, { between }: Seeded): number {
  return point === 'mid_text' ? between(1, 8) : between(1, 2)
}

/** Four to six questions at once, at least two of them to the node that will fail. */
function askMany(fleet: Fleet, chance: Seeded, victim: number): Asked {
  const cell = (cells += 1)
  const count = 1 + chance.between(3, 5)
  const plans = Array.from({ length: count }, (_, index) => seededPlan(`${fleet.store}-${cell}-${index}`.replaceAll(' ', '-'), chance, fleet.acts))
  const doors = plans.map((_, index) => (index < 2 || chance.chance(0.5) ? victim : victim + 1))
  return askTogether(fleet, { plans, at: (index) => doors[index] ?? victim })
}

/** A killed node that is alone is started again; one that stands still goes on when its lease is long gone. */
async function heal(fleet: Fleet, node: NodeProcess, signal: FaultSignal): Promise<void> {
  if (signal === 'SIGKILL') {
    await node.exited
    if (fleet.nodes.length === 1) await fleet.revive()
    return
  }
  await pause(STOPPED_MS)
  await wake(fleet, node)
}

/** Until then it may answer from what it remembers: a reader is told later, by a reset-step, what has become of it. */
export async function wake(fleet: Fleet, node: NodeProcess): Promise<void> {
  const noticed = () => node.log.filter((line) => line.includes('the lease of this node has ended')).length
  const before = noticed()
  node.signal('SIGCONT')
  if (fleet.nodes.length > 1) await vi.waitFor(() => expect(noticed()).toBeGreaterThan(before), { timeout: 10_000 })
}

/** All invariants over what was recorded, read and done. */
export async function look(fleet: Fleet, histories: readonly History[], threads: readonly string[]): Promise<readonly string[]> {
  const recorded = await fleet.record(threads)
  const share = succeeded({ recorded, histories })
  const vacuous = share < SUCCEEDED ? [`only ${Math.round(share * 100)} % of the questions came to an answer: ${reasons(recorded.runs)}`] : []
  return [
    ...vacuous,
    ...invariantFaults({ recorded, histories, effects: fleet.ledger.effects }),
    ...(await resumeFaults(recorded, histories, { doors: fleet.nodes, key: fleet.world.keys.bob })),
  ]
}

function reasons(runs: readonly { readonly id: string; readonly state: string; readonly error_code: string | null }[]): string {
  return runs.map((run) => `${run.id} ${run.state} ${run.error_code ?? ''}`).join(', ')
}

function longestSilence(histories: readonly History[], hitAt: number): number {
  const silences = histories.flatMap(({ readers }) =>
    readers.flatMap(({ held }) => held.flatMap((frame, index) => (frame.at > hitAt ? [frame.at - Math.max(hitAt, held[index - 1]?.at ?? hitAt)] : []))),
  )
  return Math.max(0, ...silences)
}
