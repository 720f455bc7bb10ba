import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { askTogether } from '../support/faults/ask-together.ts'
import { look } from '../support/faults/cell.ts'
import { ELSEWHERE, cycleDoor, noticed, runElsewhereCell } from '../support/faults/elsewhere-cell.ts'
import { fleetPool } from '../support/faults/fleet-pool.ts'
import type { FleetPool } from '../support/faults/fleet-pool.ts'
import type { Plan } from '../support/faults/plan.ts'
import { cellsOf } from '../support/faults/seeds.ts'
import { startRedis } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'

// `drive: 'elsewhere'`: two doors that drive nothing, and two processes of `ambit worker` that have no door.

const cells = cellsOf(ELSEWHERE)
/** Where it matters that a reader at a door has words that nobody has committed. */
const LIVE: readonly string[] = ['in mid-text', 'unclaimed', 'claimed', 'mid_text', 'end_committed']
const moments = { PostgreSQL: cells, 'PostgreSQL and Redis': cells.filter(({ moment }) => LIVE.includes(moment)) }
const workers = ['east', 'west']

describe.skipIf(inject('postgresUrl') === '').each(['PostgreSQL', 'PostgreSQL and Redis'] as const)('doors and workers, on %s', (store) => {
  let redis: RedisServer | null = null
  const pool: FleetPool = fleetPool(() => ({ store, workers, ...(redis && { redisUrl: redis.url }) }), 2)
  beforeAll(async () => {
    if (store === 'PostgreSQL and Redis') redis = await startRedis()
  })
  afterAll(async () => {
    await pool.close()
    await redis?.stop()
  })

  test.concurrent.for(moments[store])('$signal of $who, $moment, seed $seed', { timeout: 240_000 }, async (cell, { skip, task }) => {
    skip(store === 'PostgreSQL and Redis' && redis === null, 'there is no Redis here')
    const result = await pool.use((fleet) => runElsewhereCell(fleet, cell))
    task.meta.cell = result
    expect(result.faults).toEqual([])
  })

  test.concurrent('doors with a time limit: each ends in mid-answer, its readers go on at the next, and no run notices', { timeout: 240_000 }, async ({ skip }) => {
    skip(store === 'PostgreSQL and Redis' && redis === null, 'there is no Redis here')
    await pool.use(async (fleet) => {
      const plans = Array.from({ length: 3 }, (_, index): Plan => ({ id: `limit-${store.length}-${index}`, steps: [{ words: 20, calls: ['act', 'book'] }, { words: 150, calls: [] }], paceMs: 60 }))
      const asked = askTogether(fleet, { plans, at: (index) => index })
      for (const plan of plans) await vi.waitFor(() => expect(fleet.llm.words(plan.id, 1)).toBeGreaterThan(2), { timeout: 20_000 })
      for (const door of [0, 1, 0, 1]) await cycleDoor(fleet, door)
      expect((await fleet.record(asked.threads)).runs.some(({ ended }) => ended === null)).toBe(true)
      const histories = await asked.histories
      for (const { readers } of histories) expect(Math.max(...readers.map(({ readings }) => readings.length))).toBeGreaterThan(2)
      expect(await look(fleet, histories, asked.threads)).toEqual([])
      expect(await noticed(fleet, histories, asked.threads)).toEqual([])
    })
  })
})
