import type { Database } from '../database.ts'
import { TARGETS } from './canary.ts'
import type { Targets } from './canary.ts'
import type { CatalogueCheck, Finding } from './check.ts'
import type { Fault, FaultCode } from './checks.ts'
import { FACTS } from './facts.ts'
import { KEYS_ALONE, UNWALLED, listRights } from './rights.ts'

/** All checks in one statement: the facts are read once. */
export async function readCatalogue(database: Database, rolePrefix: string, checks: readonly CatalogueCheck<FaultCode>[]): Promise<{ faults: readonly Fault[]; targets: Targets }> {
  const parts = checks.map(({ code, find }, place) => `select ${place} as place, '${code}' as code, says, mend from (${find}) found`)
  const targets = `select ${checks.length}, kind, name, mend from (${TARGETS}) target`
  const values = [rolePrefix, listRights(), UNWALLED, KEYS_ALONE]
  const { rows } = await database.transaction(PATIENCE, (sql) =>
    sql.query<CatalogueRow>(`with ${FACTS}\n${[...parts, targets].join('\nunion all\n')}\norder by 1, 3, 4`, values),
  )
  const targetsOf = (kind: keyof Targets) => rows.flatMap(({ code, says, mend }) => (code === kind ? [{ name: says, mend: mend ?? '' }] : []))
  return {
    faults: rows.flatMap(({ place, says, mend }) => {
      const check = checks[place]
      return check ? [{ code: check.code, says, mend }] : []
    }),
    targets: { tables: targetsOf('tables'), views: targetsOf('views') },
  }
}

/** A fault of the check in that place; behind the last one, a target of the canary. */
interface CatalogueRow extends Finding {
  readonly place: number
  readonly code: string
}

/** Compiling a statement that runs once costs more than it saves. */
const PATIENCE = "set local jit = off; set local statement_timeout = '10s'"
