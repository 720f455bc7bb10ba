import type { Database, Sql } from '../../src/lib/store/database.ts'

/** Read from the catalogue and never written down here: a table that is added tomorrow is held to the same rules. */
export async function listTenantTables(database: Database): Promise<readonly string[]> {
  const { rows } = await database.transaction('', (sql) =>
    sql.query<{ name: string }>(
      `select c.relname as name from pg_class c
       where c.relnamespace = 'ambit'::regnamespace and c.relkind in ('r', 'p')
         and (select count(*) from pg_attribute a
              where a.attrelid = c.oid and a.attname in ('org_id', 'project_id') and not a.attisdropped) = 2
         and (has_any_column_privilege('ambit_scoped', c.oid, 'select, insert, update')
              or has_table_privilege('ambit_scoped', c.oid, 'delete'))
       order by 1`,
    ),
  )
  return rows.map((row) => row.name)
}

/** Every table of the schema but the list of migrations, which names no tenant. */
export async function listTables(database: Database): Promise<readonly string[]> {
  const { rows } = await database.transaction('', (sql) =>
    sql.query<{ name: string }>(
      `select relname as name from pg_class
       where relnamespace = 'ambit'::regnamespace and relkind in ('r', 'p') and relname <> 'migrations' order by 1`,
    ),
  )
  return rows.map((row) => row.name)
}

/** The columns of a table on which a role holds a privilege. What the database generates is nobody's to write. */
export async function listColumns(database: Database, table: string, privilege: 'select' | 'insert' | 'update', role: string): Promise<readonly string[]> {
  const { rows } = await database.transaction('', (sql) =>
    sql.query<{ name: string }>(
      `select attname as name from pg_attribute
       where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and has_column_privilege($2, attrelid, attnum, $3)
         and (attgenerated = '' or $3 = 'select')
       order by attnum`,
      [`ambit.${table}`, `ambit_${role}`, privilege],
    ),
  )
  return rows.map((row) => row.name)
}

/** All columns of a table. */
export async function listAllColumns(database: Database, table: string): Promise<readonly string[]> {
  const { rows } = await database.transaction('', (sql) =>
    sql.query<{ name: string }>(
      `select attname as name from pg_attribute
       where attrelid = $1::text::regclass and attnum > 0 and not attisdropped order by attnum`,
      [`ambit.${table}`],
    ),
  )
  return rows.map((row) => row.name)
}

export interface Policy {
  readonly table: string
  readonly name: string
  readonly permissive: boolean
  readonly command: string
  readonly roles: readonly string[]
  readonly using: string | null
  readonly check: string | null
}

export async function listPolicies(sql: Sql): Promise<readonly Policy[]> {
  const { rows } = await sql.query<Policy>(
    `select tablename::text as table, policyname::text as name, permissive = 'PERMISSIVE' as permissive, cmd as command,
            to_jsonb(roles) as roles, qual as using, with_check as check
     from pg_policies where schemaname = 'ambit' order by 1, 2`,
  )
  return rows
}

/** A digest of every row that an organisation has in these tables: the same before and after means untouched. */
export async function digestOf(database: Database, tables: readonly string[], orgId: string): Promise<string> {
  return database.transaction('', async (sql) => {
    const digests: string[] = []
    for (const table of tables) {
      const { rows } = await sql.query<{ digest: string | null }>(
        `select md5(string_agg(t::text, '|' order by t::text)) as digest from ambit.${table} t where org_id = $1`,
        [orgId],
      )
      digests.push(`${table} ${rows[0]?.digest ?? 'empty'}`)
    }
    return digests.join('\n')
  })
}
