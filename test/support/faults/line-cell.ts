import { expect, vi } from 'vitest'
import { must } from '../stage.ts'
import { askOne } from './ask-together.ts'
import { conclude, heal, passingOf } from './cell.ts'
import type { CellResult } from './cell-result.ts'
import type { Fleet } from './fleet.ts'
import type { History } from './history.ts'
import type { FaultSignal } from './node-process.ts'
import type { Plan } from './plan.ts'
import { seeded } from './seeded.ts'
import { strikeFirst } from './strike.ts'

/** Where a node fails while messages of one thread wait for each other, or one takes the place of another. */
export const LINE = [
  { onActive: 'queue', point: 'run_written' },
  { onActive: 'queue', point: 'mid_text' },
  { onActive: 'queue', point: 'end_committed' },
  { onActive: 'queue', point: 'claimed' },
  { onActive: 'interrupt', point: 'authenticated' },
  { onActive: 'interrupt', point: 'end_committed' },
  { onActive: 'interrupt', point: 'run_written' },
  { onActive: 'interrupt', point: 'claimed' },
] as const

export type LineCell = (typeof LINE)[number] & { readonly signal: FaultSignal; readonly seed: number }

let cells = 0

/** One thread: a long answer is under way, others come behind it or instead of it, and a node dies or stands still. */
export async function runLineCell(fleet: Fleet, cell: LineCell): Promise<CellResult> {
  const { onActive, point, signal, seed } = cell
  const place = LINE.findIndex((one) => one.onActive === onActive && one.point === point)
  const chance = seeded(seed * 1_000 + 800 + place * 10 + (signal === 'SIGKILL' ? 0 : 1))
  const [first, ...later] = plansOf(onActive)
  const thread = `thread-${must(first).id}`
  const ask = (plan: Plan, more: { onActive?: 'queue' | 'interrupt' } = {}) => asked(fleet, plan, { thread, at: chance.between(0, 1), ...more })

  const running = ask(must(first))
  await running.acknowledged
  await vi.waitFor(() => expect(fleet.llm.words(must(first).id, 2)).toBeGreaterThan(2), { timeout: 20_000, interval: 5 })
  const strike = () => strikeFirst(fleet.nodes, { point, signal, passing: point === 'mid_text' ? passingOf(point, chance) : 1 })
  // Before the others are asked, where their asking is what fails; else when they stand in line.
  const early = onActive === 'interrupt' || point === 'run_written' ? await strike() : null
  const hitting = early?.first()
  const behind: Asking[] = []
  const askAll = async () => {
    for (const plan of later) {
      const next = ask(plan, { onActive })
      behind.push(next)
      await next.acknowledged
    }
  }
  const asking = askAll()
  if (!early) await asking
  const armed = early ?? (await strike())
  const all = asking.then(() => Promise.all([running, ...behind].map(({ history }) => history)))
  const hit = await Promise.race([hitting ?? armed.first(), all.then(() => null)])
  if (hit) await heal(fleet, hit.node, signal)
  await armed.end()
  if (!fleet.nodes.some(({ alive }) => alive)) await fleet.revive() // all were hit
  const histories = await all
  const counted = onActive === 'queue' ? histories : histories.slice(1)
  const result = await conclude(fleet, { row: `${onActive}, \`${point}\``, signal, seed, hitAt: hit?.at ?? null, histories, threads: [thread], counted })
  return onActive === 'queue' ? result : { ...result, faults: [...result.faults, ...(await unstopped(fleet, thread))] }
}

/** A question on its way. */
interface Asking {
  readonly acknowledged: Promise<void>
  readonly history: Promise<History>
}

function asked(fleet: Fleet, plan: Plan, put: { thread: string; at: number; onActive?: 'queue' | 'interrupt' }): Asking {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { acknowledged: promise, history: askOne(fleet, plan, { ...put, acknowledged: resolve }) }
}

/** What is to be interrupted does not end before: ten seconds of words. */
function plansOf(onActive: 'queue' | 'interrupt'): readonly Plan[] {
  const cell = (cells += 1)
  const plan = (index: number, steps: Plan['steps'], paceMs: number): Plan => ({ id: `${onActive}-${cell}-${index}`, steps, paceMs })
  const first = plan(0, [{ words: 4, calls: ['act'] }, { words: onActive === 'queue' ? 60 : 200, calls: [] }], 50)
  const short = (index: number) => plan(index, [{ words: 4, calls: ['act', 'pay'] }, { words: 8, calls: [] }], 10)
  return onActive === 'queue' ? [first, short(1), short(2)] : [first, short(1)]
}

/** What was interrupted has an end of its own, and it is that. */
async function unstopped(fleet: Fleet, thread: string): Promise<readonly string[]> {
  const { runs, frames } = await fleet.record([thread])
  const [first] = runs
  const said = first && frames.get(first.id)?.at(-1)?.type
  return first?.state === 'stopped' && said === 'abort' ? [] : [`what was interrupted is ${first?.state ?? 'not there'} and says ${said ?? 'nothing'}`]
}
