import { databaseKinds } from '../databases.ts'
import type { DatabaseKind } from '../databases.ts'
import type { Cell } from './perform.ts'

/** PGlite is one connection in this process: the same code and the same SQL at a third of the speed. */
const SHARES: Readonly<Record<DatabaseKind['name'], number>> = { PGlite: 1 / 3, PostgreSQL: 1 }
const SEED = 20_260

/** A kind of database, how much of the matrix is asked of it, and a name that says so. */
export interface SharedKind {
  readonly name: string
  readonly kind: DatabaseKind
  readonly share: number
}

export const sharedKinds: readonly SharedKind[] = databaseKinds.map((kind) => {
  const share = SHARES[kind.name]
  return { kind, share, name: share < 1 ? `${kind.name} (a third of it, seed ${SEED})` : kind.name }
})

/** Each cell with this chance; the same ones for the same cells. (mulberry32) */
export function sampled(cells: readonly Cell[], share: number): readonly Cell[] {
  let state = SEED
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    const mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    const again = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((again ^ (again >>> 14)) >>> 0) / 2 ** 32
  }
  return share < 1 ? cells.filter(() => next() < share) : cells
}
