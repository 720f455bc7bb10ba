import { afterAll, describe, expect, inject, test } from 'vitest'
import { fleetPool } from '../support/faults/fleet-pool.ts'
import type { StoreName } from '../support/faults/fleet.ts'
import { LINE, runLineCell } from '../support/faults/line-cell.ts'
import { cellsOf } from '../support/faults/seeds.ts'

// Messages that wait for each other in a thread, or take each other's place, and a node that fails meanwhile.

const cells = cellsOf(LINE)
const stores: readonly StoreName[] = inject('postgresUrl') === '' ? ['PGlite'] : ['PGlite', 'PostgreSQL']

describe.each(stores)('queue and interrupt, on %s', (store) => {
  const pool = fleetPool(() => ({ store }), 4)
  afterAll(() => pool.close())

  test.concurrent.for(cells)('$onActive, $signal at $point, seed $seed', { timeout: 240_000 }, async (cell, { task }) => {
    const result = await pool.use((fleet) => runLineCell(fleet, cell))
    task.meta.cell = result
    expect(result.faults).toEqual([])
  })
})
