import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { POINTS, runCell } from '../support/faults/cell.ts'
import type { Cell, CellResult } from '../support/faults/cell.ts'
import { tableOf } from '../support/faults/fault-table.ts'
import { fleetPool } from '../support/faults/fleet-pool.ts'
import type { FleetPool } from '../support/faults/fleet-pool.ts'
import type { StoreName } from '../support/faults/fleet.ts'
import { startRedis } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'

const SEEDS = Number(process.env['FAULT_SEEDS'] ?? 3)
const FIRST_SEED = Number(process.env['FAULT_SEED'] ?? 1)
const REPORT = new URL('../../node_modules/.cache/ambit/', import.meta.url)

const results: CellResult[] = []
const cells: readonly Cell[] = (['SIGKILL', 'SIGSTOP'] as const).flatMap((signal) =>
  POINTS.flatMap((point) => Array.from({ length: SEEDS }, (_, index) => ({ point, signal, seed: FIRST_SEED + index }))),
)
const stores: readonly StoreName[] = inject('postgresUrl') === '' ? ['PGlite'] : ['PGlite', 'PostgreSQL', 'PostgreSQL and Redis']

beforeAll(async () => {
  await mkdir(REPORT, { recursive: true })
  await writeFile(new URL('fault-cells.ndjson', REPORT), '')
})

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

  test.concurrent.for(cells)('$signal at $point, seed $seed', { timeout: 240_000 }, async (cell, { skip }) => {
    skip(store === 'PostgreSQL and Redis' && redis === null, 'there is no Redis here')
    const result = await pool.use((fleet) => runCell(fleet, cell))
    results.push(result)
    await appendFile(new URL('fault-cells.ndjson', REPORT), `${JSON.stringify(result)}\n`) // an hour may end early
    expect(result.faults).toEqual([])
  })
})

afterAll(async () => {
  const words = `Seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1}: passed of these, then how long a reader heard nothing (median, longest).\n\n${tableOf(results)}\n`
  await writeFile(new URL('fault-table.md', REPORT), words)
  process.stdout.write(`\n${words}`)
})
