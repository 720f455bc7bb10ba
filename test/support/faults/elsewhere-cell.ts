import { setTimeout as pause } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import { must } from '../stage.ts'
import type { Asked } from './ask-together.ts'
import { askMany, conclude, heal, passingOf } from './cell.ts'
import type { CellResult } from './cell-result.ts'
import type { Fleet } from './fleet.ts'
import type { History } from './history.ts'
import type { FaultSignal, NodeProcess } from './node-process.ts'
import { seeded } from './seeded.ts'
import type { Seeded } from './seeded.ts'
import { strikeFirst } from './strike.ts'

const DOOR_POINTS = ['authenticated', 'run_written', 'answered'] as const
const WORKER_POINTS = ['claimed', 'mid_text', 'claims_written', 'effect_done', 'end_built', 'end_committed'] as const
type Point = (typeof DOOR_POINTS)[number] | (typeof WORKER_POINTS)[number]

/**
 * Who fails, and when, where doors and workers are apart. Beside the points: what a process cannot know of itself. No
 * worker is there when runs are `unclaimed`; a door follows what is `in mid-text`, or has an end that it has not told.
 */
export const ELSEWHERE = [
  ...DOOR_POINTS.map((moment) => ({ who: 'door', moment }) as const),
  { who: 'door', moment: 'in mid-text' },
  { who: 'door', moment: 'end committed' },
  { who: 'workers', moment: 'unclaimed' },
  ...WORKER_POINTS.map((moment) => ({ who: 'worker', moment }) as const),
] as const

export type ElsewhereCell = (typeof ELSEWHERE)[number] & { readonly signal: FaultSignal; readonly seed: number }

/** Lets a door or a worker die, or stand still, while questions are asked at two doors and driven by two workers. */
export async function runElsewhereCell(fleet: Fleet, cell: ElsewhereCell): Promise<CellResult> {
  const { who, moment, signal, seed } = cell
  const place = ELSEWHERE.findIndex((one) => one.who === who && one.moment === moment)
  const chance = seeded(seed * 1_000 + 500 + place * 10 + (signal === 'SIGKILL' ? 0 : 1))
  const failed = await fail(fleet, cell, chance)
  const { histories, threads } = failed
  const result = await conclude(fleet, { row: `${who}, ${pointOf(cell) ? `\`${moment}\`` : moment}`, signal, seed, ...failed })
  return who === 'door' ? { ...result, faults: [...result.faults, ...(await noticed(fleet, histories, threads))] } : result
}

interface Failed {
  readonly hitAt: number | null
  readonly histories: readonly History[]
  readonly threads: readonly string[]
}

function pointOf({ moment }: ElsewhereCell): Point | null {
  return [...DOOR_POINTS, ...WORKER_POINTS].find((point) => point === moment) ?? null
}

async function fail(fleet: Fleet, cell: ElsewhereCell, chance: Seeded): Promise<Failed> {
  const victim = chance.between(0, fleet.nodes.length - 1)
  const point = pointOf(cell)
  if (point !== null) return failAtPoint(fleet, cell, { point, victim, chance })
  if (cell.moment === 'unclaimed') return failBefore(fleet, cell.signal, askMany.bind(null, fleet, chance, victim))
  return failFrom(fleet, cell, { victim, asked: askMany(fleet, chance, victim) })
}

async function failAtPoint(fleet: Fleet, { who, signal }: ElsewhereCell, { point, victim, chance }: { point: Point; victim: number; chance: Seeded }): Promise<Failed> {
  const strike = await strikeFirst(who === 'door' ? [must(fleet.nodes[victim])] : fleet.workers, { point, signal, passing: passingOf(point, chance) })
  const asked = askMany(fleet, chance, victim)
  const hit = await Promise.race([strike.first(), asked.histories.then(() => null)])
  if (hit) await heal(fleet, hit.node, signal)
  await strike.end()
  if (hit && !fleet.workers.some(({ alive }) => alive)) await fleet.revive() // both were hit
  return { hitAt: hit?.at ?? null, histories: await asked.histories, threads: asked.threads }
}

/** Questions come while no worker is there. */
async function failBefore(fleet: Fleet, signal: FaultSignal, ask: () => Asked): Promise<Failed> {
  const workers = [...fleet.workers]
  for (const worker of workers) worker.signal(signal)
  const hitAt = performance.now()
  const { histories, threads } = ask()
  await vi.waitFor(async () => {
    const { runs } = await fleet.record(threads)
    expect(runs.map(({ state, fence }) => `${state} ${fence}`)).toEqual(threads.map(() => 'running 1'))
  }, { timeout: 20_000, interval: 100 })
  if (signal === 'SIGSTOP') await Promise.all(workers.map((worker) => heal(fleet, worker, signal)))
  await Promise.all(workers.map((worker) => worker.alive || worker.exited))
  await fleet.revive()
  return { hitAt, histories: await histories, threads }
}

/** At a moment that is seen from outside. */
async function failFrom(fleet: Fleet, { moment, signal }: ElsewhereCell, { victim, asked }: { victim: number; asked: Asked }): Promise<Failed> {
  const door: NodeProcess = must(fleet.nodes[victim])
  const own = asked.threads.slice(0, 2) // these are asked there
  if (moment === 'in mid-text') await vi.waitFor(() => expect(Math.max(...own.map((thread) => fleet.llm.words(thread.replace('thread-', ''), 1)))).toBeGreaterThan(1), { timeout: 20_000, interval: 5 })
  else await vi.waitFor(async () => expect((await fleet.record(own)).runs.some(({ ended }) => ended !== null)).toBe(true), { timeout: 20_000, interval: 10 })
  door.signal(signal)
  const hitAt = performance.now()
  await heal(fleet, door, signal)
  return { hitAt, histories: await asked.histories, threads: asked.threads }
}

/** Whatever becomes of a door, no run notices: it has one driver, which asks the model for each step once. */
export async function noticed(fleet: Fleet, histories: readonly History[], threads: readonly string[]): Promise<readonly string[]> {
  const { claims } = await fleet.record(threads)
  const lost = claims.filter(({ reason }) => reason === 'takeover' || reason === 'retry').map(({ run_id, reason }) => `${run_id} noticed its door: ${reason}`)
  const again = histories.filter(({ plan }) => fleet.llm.asked(plan.id) !== plan.steps.length)
  return [...lost, ...again.map(({ plan }) => `${plan.id} asked the model ${fleet.llm.asked(plan.id)} times for ${plan.steps.length} steps`)]
}

/** Long enough for a door's life to end: between two readers' connections. */
export const BETWEEN_DOORS_MS = 700

/** A door that lives for so long, as a function does: it ends in mid-answer, and another one takes its place. */
export async function cycleDoor(fleet: Fleet, index: number): Promise<void> {
  await must(fleet.nodes[index]).kill()
  await pause(BETWEEN_DOORS_MS)
  await fleet.revive()
}
