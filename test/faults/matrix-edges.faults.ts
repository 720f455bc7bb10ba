import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { askTogether } from '../support/faults/ask-together.ts'
import { look, wake } from '../support/faults/cell.ts'
import { startFleet } from '../support/faults/fleet.ts'
import type { Fleet } from '../support/faults/fleet.ts'
import { FAULT_SCOPE } from '../support/faults/history.ts'
import type { History } from '../support/faults/history.ts'
import type { NodeProcess } from '../support/faults/node-process.ts'
import type { Plan, PlannedStep } from '../support/faults/plan.ts'
import { postRaw } from '../support/faults/raw-post.ts'
import type { RecordedRun } from '../support/faults/record.ts'
import type { Break } from '../support/faults/scripted-llm.ts'
import { must } from '../support/stage.ts'

const LEASE_MS = 5_000
const QUIET: PlannedStep = { words: 40, calls: [] }
let plans = 0
/** Answers for about two seconds, after a call that acts. */
function slowPlan(steps: readonly PlannedStep[] = [{ words: 4, calls: ['act', 'pay'] }, QUIET]): Plan {
  return { id: `edge-${(plans += 1)}`, steps, paceMs: 50 }
}

describe.skipIf(inject('postgresUrl') === '')('two nodes on PostgreSQL', () => {
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await startFleet({ store: 'PostgreSQL', graceMs: 500 })
  })
  afterAll(() => fleet.close())

  const [north, south] = [(): NodeProcess => must(fleet.nodes[0]), (): NodeProcess => must(fleet.nodes[1])]
  const key = (): string => fleet.world.keys.bob
  /** Until this model call has begun to answer. */
  const spoken = (plan: Plan, call: number) => vi.waitFor(() => expect(fleet.llm.words(plan.id, call)).toBeGreaterThan(2), { timeout: 20_000 })
  const runsOf = async (threads: readonly string[]) => (await fleet.record(threads)).runs
  const ended = (threads: readonly string[]): Promise<RecordedRun> =>
    vi.waitFor(async () => {
      const run = must((await runsOf(threads))[0])
      expect(run.ended).not.toBeNull()
      return run
    }, { timeout: 30_000, interval: 200 })

  /** Asks to stop what runs in a thread, once its run is there. */
  async function stop(door: NodeProcess, thread: string): Promise<{ status: number; state: string }> {
    const response = await fetch(`${door.url}${FAULT_SCOPE}/chat/${thread}/stop`, { method: 'POST', headers: { authorization: `Bearer ${key()}` } })
    return { status: response.status, state: ((await response.json()) as { state: string }).state }
  }

  async function expectSound(histories: readonly History[], threads: readonly string[]): Promise<void> {
    await fleet.revive()
    expect(await look(fleet, histories, threads)).toEqual([])
  }

  const misdeeds: Readonly<Record<string, (socket: Socket) => void>> = {
    'resets its connection': (socket) => void socket.resetAndDestroy(),
    'closes its half of the connection': (socket) => void socket.end(),
    'never reads': (socket) => void socket.pause(),
  }
  test.each(Object.entries(misdeeds))('a client that %s in mid-answer: the run goes on, and the next one who asks has it whole', async (_, misbehave) => {
    const plan = slowPlan()
    const socket = await postRaw(north(), key(), { plan, thread: `thread-${plan.id}` })
    await spoken(plan, 1)
    misbehave(socket)
    const asked = askTogether(fleet, { plans: [plan], at: () => 1 })
    const histories = await asked.histories
    socket.destroy()
    await expectSound(histories, asked.threads)
    expect(fleet.llm.asked(plan.id)).toBe(2)
  })

  test.each<Break>(['reset', 'half-close', 'garbage', 'silence'])('a provider that breaks off with a %s in mid-answer: what it said is dropped, and said anew', async (how) => {
    const plan = slowPlan()
    fleet.llm.breakNext(how, 1)
    const asked = askTogether(fleet, { plans: [plan], at: () => 0 })
    const histories = await asked.histories
    await expectSound(histories, asked.threads)
    const resets = must(histories[0]?.readers[0]).held.filter((frame) => frame.data.includes('"reset-step"'))
    expect(resets).toHaveLength(1)
    expect(fleet.llm.asked(plan.id)).toBe(3)
  })

  test('somebody removed between the crash and the takeover gets no answer, and no model is asked', async () => {
    const plan = slowPlan([QUIET])
    const asked = askTogether(fleet, { plans: [plan], at: () => 0 })
    await spoken(plan, 1)
    await north().kill()
    const calls = fleet.llm.asked(plan.id)
    const { superuser } = must(fleet.database)
    const remove = "delete from ambit.memberships where person_id = 'bob' returning org_id, project_id, role"
    const { rows } = await superuser.transaction('', (sql) => sql.query<{ org_id: string; project_id: string; role: string }>(remove))
    const run = await ended(asked.threads)
    expect(run).toMatchObject({ state: 'failed', error_code: 'scope_changed' })
    expect(fleet.llm.asked(plan.id)).toBe(calls)
    for (const { org_id, project_id, role } of rows) {
      await superuser.transaction('', (sql) => sql.query("insert into ambit.memberships (org_id, project_id, person_id, role) values ($1, $2, 'bob', $3)", [org_id, project_id, role]))
    }
    await asked.histories
    await fleet.revive()
  })

  test('a stop that comes after the crash and before the takeover stops', async () => {
    const plan = slowPlan([QUIET])
    const asked = askTogether(fleet, { plans: [plan], at: () => 0 })
    await spoken(plan, 1)
    await north().kill()
    expect((await stop(south(), must(asked.threads[0]))).status).toBeLessThan(300)
    expect(await ended(asked.threads)).toMatchObject({ state: 'stopped' })
    expect(fleet.llm.asked(plan.id)).toBe(1)
    await expectEnded(await asked.histories, asked.threads, 'abort')
  })

  test.each(['dies', 'goes on when its lease is over'])('a stop that its owner does not hear, which then %s, stops', async (then) => {
    const plan = slowPlan([QUIET])
    const asked = askTogether(fleet, { plans: [plan], at: () => 0 })
    await spoken(plan, 1)
    north().signal('SIGSTOP')
    expect(await stop(south(), must(asked.threads[0]))).toMatchObject({ status: 202 })
    if (then === 'dies') await north().kill()
    const run = await ended(asked.threads)
    expect(run).toMatchObject({ state: 'stopped' })
    if (north().alive) {
      await pause(LEASE_MS)
      await wake(fleet, north())
    }
    await expectEnded(await asked.histories, asked.threads, 'abort')
    expect((await runsOf(asked.threads))[0]).toEqual(run)
    expect(fleet.llm.asked(plan.id)).toBe(1)
  })

  /** Sound in everything but that there is no whole answer. */
  async function expectEnded(histories: readonly History[], threads: readonly string[], end: 'abort' | 'error'): Promise<void> {
    await fleet.revive()
    const faults = await look(fleet, histories, threads)
    expect(faults.filter((fault) => !fault.startsWith('only 0 % '))).toEqual([])
    expect(must(histories[0]?.readers[0]?.held.at(-1)).data).toContain(`"type":"${end}"`)
  }

  test('SIGTERM: what runs is handed over, and no run fails', async () => {
    const some = Array.from({ length: 4 }, () => slowPlan())
    const asked = askTogether(fleet, { plans: some, at: () => 0 })
    for (const plan of some) await spoken(plan, 2)
    await north().drain()
    const histories = await asked.histories
    await expectSound(histories, asked.threads)
    expect((await runsOf(asked.threads)).map((run) => run.state)).toEqual(some.map(() => 'completed'))
  })
})
