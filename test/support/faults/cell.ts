import { setTimeout as pause } from 'node:timers/promises'
import type { FaultPoint } from '../../../src/lib/observe/fault-point.ts'
import { expect, vi } from 'vitest'
import { must } from '../stage.ts'
import { askTogether } from './ask-together.ts'
import type { Asked } from './ask-together.ts'
import type { CellResult } from './cell-result.ts'
import { POINTS } from './cell-result.ts'
import type { Fleet } from './fleet.ts'
import type { History } from './history.ts'
import { invariantFaults, succeeded } from './invariants.ts'
import type { FaultSignal, NodeProcess } from './node-process.ts'
import { seededPlan } from './plan.ts'
import { resumeFaults } from './resume-faults.ts'
import { seeded } from './seeded.ts'
import type { Seeded } from './seeded.ts'

/** Longer than a lease, and than another node takes to find that it is over: what stands still so long has lost everything that it owned. */
const STOPPED_MS = 10_000
/** Of the questions of a cell; less proves nothing. */
const SUCCEEDED = 0.8

export interface Cell {
  readonly point: FaultPoint
  readonly signal: FaultSignal
  readonly seed: number
}

let cells = 0

/** Lets a node die, or stand still, at a point of a run among others, and looks at everything afterwards. */
export async function runCell(fleet: Fleet, { point, signal, seed }: Cell): Promise<CellResult> {
  const chance = seeded(seed * 1_000 + POINTS.indexOf(point as (typeof POINTS)[number]) * 10 + (signal === 'SIGKILL' ? 0 : 1))
  const victim = chance.between(0, fleet.nodes.length - 1)
  const node = must(fleet.nodes[victim])
  await node.arm({ point, signal, passing: passingOf(point, chance) })
  const asked = askMany(fleet, chance, victim)
  const hitAt = await Promise.race([node.hit(), asked.histories.then(() => null)])
  if (hitAt !== null) await heal(fleet, node, signal)
  const histories = await asked.histories
  if (node.alive) await node.arm(null)
  return conclude(fleet, { row: `\`${point}\``, signal, seed, hitAt, histories, threads: asked.threads })
}

/** A point that every run passes once is passed often enough by the two runs that surely begin on this node. */
export function passingOf(point: FaultPoint, { between }: Seeded): number {
  return point === 'mid_text' ? between(1, 8) : between(1, 2)
}

/** Four to six questions at once, at least two of them to the node that will fail. */
export function askMany(fleet: Fleet, chance: Seeded, victim: number): Asked {
  const cell = (cells += 1)
  const count = 1 + chance.between(3, 5)
  const plans = Array.from({ length: count }, (_, index) => seededPlan(`${fleet.store}-${cell}-${index}`.replaceAll(' ', '-'), chance, fleet.acts))
  const doors = plans.map((_, index) => (index < 2 || chance.chance(0.5) ? victim : victim + 1))
  return askTogether(fleet, { plans, at: (index) => doors[index] ?? victim })
}

/** A killed one that is alone is started again; one that stands still goes on when its lease is long gone. */
export async function heal(fleet: Fleet, node: NodeProcess, signal: FaultSignal): Promise<void> {
  if (signal === 'SIGKILL') {
    await node.exited
    if (!drivers(fleet).some(({ alive }) => alive)) await fleet.revive()
    return
  }
  await pause(STOPPED_MS)
  await wake(fleet, node)
}

/** Those that hold leases. */
function drivers({ nodes, workers }: Fleet): readonly NodeProcess[] {
  return workers.length > 0 ? workers : nodes
}

/** Until then it may answer from what it remembers: a reader is told later, by a reset-step, what has become of it. */
export async function wake(fleet: Fleet, node: NodeProcess): Promise<void> {
  const noticed = () => node.log.filter((line) => line.includes('the lease of this node has ended')).length
  const before = noticed()
  node.signal('SIGCONT')
  const others = drivers(fleet).filter((one) => one !== node).length
  if (drivers(fleet).includes(node) && others > 0) await vi.waitFor(() => expect(noticed()).toBeGreaterThan(before), { timeout: 10_000 })
}

/** What is known of a cell when all of its questions have come to their end. */
export interface Ended extends Pick<CellResult, 'row' | 'signal' | 'seed'> {
  /** Null: what it waited for never happened. */
  readonly hitAt: number | null
  readonly histories: readonly History[]
  readonly threads: readonly string[]
  /** Those of the questions that must be answered. */
  readonly counted?: readonly History[]
}

/** Starts again what has died, and looks. */
export async function conclude(fleet: Fleet, { row, signal, seed, hitAt, histories, threads, counted = histories }: Ended): Promise<CellResult> {
  await fleet.revive()
  const { faults, answered } = await examine(fleet, histories, threads, counted)
  return {
    row, signal, seed, answered,
    store: fleet.store,
    faults: [...(hitAt === null ? [`${row} never came`] : []), ...faults],
    questions: counted.length,
    pauseMs: hitAt === null ? 0 : longestSilence(histories, hitAt),
  }
}

/** All invariants over what was recorded, read and done. */
export async function look(fleet: Fleet, histories: readonly History[], threads: readonly string[]): Promise<readonly string[]> {
  return (await examine(fleet, histories, threads, histories)).faults
}

async function examine(
  fleet: Fleet,
  histories: readonly History[],
  threads: readonly string[],
  counted: readonly History[],
): Promise<Pick<CellResult, 'faults' | 'answered'>> {
  const recorded = await fleet.record(threads)
  const answered = succeeded({ recorded, histories: counted })
  const share = answered / Math.max(1, counted.length)
  const vacuous = share < SUCCEEDED ? [`only ${Math.round(share * 100)} % of the questions came to an answer: ${reasons(recorded.runs)}`] : []
  const faults = [
    ...vacuous,
    ...invariantFaults({ recorded, histories, effects: fleet.ledger.effects }),
    ...fleet.llm.beyond.filter((said) => histories.some(({ plan }) => said.startsWith(`${plan.id} `))),
    ...(await resumeFaults(recorded, histories, { doors: fleet.nodes, key: fleet.world.keys.bob })),
  ]
  return { faults, answered }
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
