import type { Database, Sql } from '../database.ts'
import { refused } from './exposure.ts'
import type { Refused, Wanted } from './exposure.ts'
import { exposureScript } from './exposure-script.ts'
import { judgeExposure } from './judge-exposure.ts'
import { listAlike, readFacts } from './table-facts.ts'
import { parseTableName } from './table-name.ts'
import { tellExposure } from './tell-exposure.ts'

export interface Exposed {
  readonly ok: true
  /** Plain SQL, for one transaction. */
  readonly statements: readonly string[]
  /** What is open to whom then, in sentences. */
  readonly says: readonly string[]
}

/** Opens a host's table to tools, or opens it otherwise than before, in one transaction. The table itself is not changed. */
export async function exposeTable(database: Database, wanted: Wanted): Promise<Exposed | Refused> {
  return database.transaction(PATIENCE, async (sql) => {
    const exposed = await plan(sql, wanted, { printed: false })
    if (exposed.ok) await sql.script(exposed.statements.join('\n'))
    return exposed
  })
}

/** The same for somebody else to run: reads the catalogue, as any login may, and changes nothing. */
export async function planExposure(database: Database, wanted: Wanted): Promise<Exposed | Refused> {
  return database.transaction('', (sql) => plan(sql, wanted, { printed: true }))
}

/** A statement that waits for a busy table makes everybody behind it wait, too. */
const PATIENCE = "set local lock_timeout = '5s'"

async function plan(sql: Sql, wanted: Wanted, how: { readonly printed: boolean }): Promise<Exposed | Refused> {
  const name = parseTableName(wanted.table)
  if (name === null) return refused(`"${wanted.table}" is no name of a table: write it as orders, or shop.orders, and a part with a dot in double quotes.`)
  if (!fits(wanted.name ?? name.name)) return refused('A name in PostgreSQL has from 1 to 63 bytes: choose another with --name.')
  const facts = await readFacts(sql, name, wanted)
  if (facts === null) {
    const alike = await listAlike(sql, name)
    return refused(`There is no table ${wanted.table} here${alike.length > 0 ? `. There is ${alike.join(', ')}: names are taken as they are written.` : ': name it as it is written in the database, with its schema.'}`)
  }
  const exposure = judgeExposure(wanted, facts, how)
  return exposure.ok ? { ok: true, statements: exposureScript(exposure), says: tellExposure(exposure) } : exposure
}

function fits(name: string): boolean {
  return name !== '' && !name.includes('\0') && Buffer.byteLength(name) <= 63
}
