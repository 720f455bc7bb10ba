import { afterAll, describe, expect, inject, test } from 'vitest'
import { runCell } from '../support/faults/cell.ts'
import type { Cell } from '../support/faults/cell.ts'
import { fleetPool } from '../support/faults/fleet-pool.ts'
import type { FleetOptions } from '../support/faults/fleet.ts'

// A few cells of the matrix (`npm run test:faults` runs all of them): one for each promise that a crash could break.

const SEED = 1

const onPostgres: readonly Pick<Cell, 'point' | 'signal'>[] = [
  { point: 'mid_text', signal: 'SIGKILL' },
  { point: 'effect_done', signal: 'SIGKILL' },
  { point: 'claims_written', signal: 'SIGSTOP' },
]

describe.each<{ readonly options: FleetOptions; readonly cells: readonly Pick<Cell, 'point' | 'signal'>[] }>([
  { options: { store: 'PGlite' }, cells: [{ point: 'effect_done', signal: 'SIGKILL' }] },
  ...(inject('postgresUrl') === '' ? [] : [{ options: { store: 'PostgreSQL' as const }, cells: onPostgres }]),
])('a node that dies or stands still, on $options.store', ({ options, cells }) => {
  const pool = fleetPool(() => options, 2)
  afterAll(() => pool.close())

  test.concurrent.for(cells)('$signal at $point', { timeout: 120_000 }, async (cell) => {
    const { faults } = await pool.use((fleet) => runCell(fleet, { ...cell, seed: SEED }))
    expect(faults).toEqual([])
  })
})
