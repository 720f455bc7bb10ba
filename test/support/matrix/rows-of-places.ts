import { createHash } from 'node:crypto'
import type { Database } from '../../../src/lib/store/database.ts'
import { ALL_PLACES } from './facts.ts'
import type { PlaceName } from './facts.ts'
import { rowOf } from './plant.ts'

/** A digest of all rows of each place, of every table that has such rows: the same before and after means untouched. */
export async function digestPlaces(database: Database, idOf: (place: PlaceName) => string): Promise<Readonly<Record<PlaceName, string>>> {
  return database.transaction('', async (sql) => {
    const { rows: tables } = await sql.query<{ name: string }>(
      `select table_name::text as name from information_schema.columns
       where table_schema = 'ambit' and column_name in ('org_id', 'project_id') group by 1 having count(*) = 2 order by 1`,
    )
    const found = new Map<string, string[]>()
    for (const { name } of tables) {
      const { rows } = await sql.query<{ org: string; project: string; digest: string }>(
        `select org_id as org, project_id as project, md5(string_agg(t::text, '|' order by t::text)) as digest
         from ambit.${name} t group by 1, 2`,
      )
      for (const { org, project, digest } of rows) {
        const key = `${org} ${project}`
        found.set(key, [...(found.get(key) ?? []), `${name} ${digest}`])
      }
    }
    const digestOf = (place: PlaceName) => {
      const { orgId, projectId } = rowOf(place, idOf)
      return createHash('sha256').update((found.get(`${orgId} ${projectId}`) ?? []).join('\n')).digest('hex')
    }
    return Object.fromEntries(ALL_PLACES.map((place) => [place, digestOf(place)]))
  })
}

/** The places whose rows are not what they were. */
export function changedPlaces(before: Readonly<Record<PlaceName, string>>, after: Readonly<Record<PlaceName, string>>): readonly PlaceName[] {
  return ALL_PLACES.filter((place) => before[place] !== after[place])
}
