import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { runCell } from '../support/faults/cell.ts'
import { POINTS } from '../support/faults/cell-result.ts'
import { fleetPool } from '../support/faults/fleet-pool.ts'
import type { FleetPool } from '../support/faults/fleet-pool.ts'
import type { StoreName } from '../support/faults/fleet.ts'
import { cellsOf } from '../support/faults/seeds.ts'
import { startRedis } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'

const cells = cellsOf(POINTS.map((point) => ({ point })))
const stores: readonly StoreName[] = inject('postgresUrl') === '' ? ['PGlite'] : ['PGlite', 'PostgreSQL', 'PostgreSQL and Redis']

describe.each(stores)('every point of a run, on %s', (store) => {
  let redis: RedisServer | null = null
  const pool: FleetPool = fleetPool(() => ({ store, ...(redis && { redisUrl: redis.url }) }), 4)
  beforeAll(async () => {
    if (store === 'PostgreSQL and Redis') redis = await startRedis()
  })
  afterAll(async () => {
    await pool.close()
    await redis?.stop()
  })

  test.concurrent.for(cells)('$signal at $point, seed $seed', { timeout: 240_000 }, async (cell, { skip, task }) => {
    skip(store === 'PostgreSQL and Redis' && redis === null, 'there is no Redis here')
    const result = await pool.use((fleet) => runCell(fleet, cell))
    task.meta.cell = result
    expect(result.faults).toEqual([])
  })
})
