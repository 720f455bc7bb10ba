import type { Database, Sql } from '../../../src/lib/store/database.ts'
import type { RawSettings } from './tenant-world.ts'

// What row-level security shows, as `table/key`, of all tenant tables in one statement. A function of the database's and
// not a query, because its plan is kept: planned anew, the policies of ten tables take longer than asking them.

interface Key {
  readonly table: string
  readonly columns: readonly string[]
}

/** Makes the two functions; they have the rights of whoever asks. A table that comes later is in them by itself. */
export async function openEyes(database: Database, tables: readonly string[]): Promise<void> {
  await database.transaction('', async (sql) => {
    const keys = await listKeys(sql, tables)
    const seen = keys.map(({ table, columns }) => `select concat_ws('/', '${table}', ${columns.join()}) as key from ambit.${table}`)
    await sql.script(`
      create or replace function public.seen_rows() returns json language plpgsql stable as $seen$
      begin
        return (select coalesce(json_agg(key), '[]') from (${seen.join(' union all ')}) rows);
      end $seen$;
      create or replace function public.seen_under(asked json) returns json language plpgsql as $seen$
      declare
        one json;
        answers json[] := '{}';
      begin
        for one in select json_array_elements(asked) loop
          perform set_config('ambit.org_id', one ->> 'org', true), set_config('ambit.project_ids', one ->> 'projects', true),
                  set_config('ambit.user_id', one ->> 'user', true);
          begin
            answers := answers || public.seen_rows();
          exception when data_exception then
            answers := answers || json_build_array('refused ' || sqlstate);
          end;
        end loop;
        return array_to_json(answers);
      end $seen$`)
  })
}

/** The columns of each primary key: organisation and project first, whatever their order in the index. */
async function listKeys(sql: Sql, tables: readonly string[]): Promise<readonly Key[]> {
  const { rows } = await sql.query<Key>(
    `select c.relname::text as table,
            to_jsonb(array_agg(a.attname order by a.attname = 'org_id' desc, a.attname = 'project_id' desc, a.attnum)) as columns
     from pg_class c
     join pg_index i on i.indrelid = c.oid and i.indisprimary
     join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
     where c.relnamespace = 'ambit'::regnamespace and c.relname = any($1::text[])
     group by 1 order by 1`,
    [tables],
  )
  return rows
}

/** In a scope that is already entered. */
export async function seeRows(sql: Sql): Promise<readonly string[]> {
  const { rows } = await sql.query<{ seen: readonly string[] }>('select public.seen_rows() as seen')
  return (rows[0]?.seen ?? []).toSorted()
}

/** Under each of these settings, as the scoped role. Settings that the database cannot read show nothing: `refused` and its SQLSTATE. */
export async function seeUnder(sql: Sql, settings: readonly RawSettings[]): Promise<readonly (readonly string[])[]> {
  const { rows } = await sql.query<{ seen: readonly (readonly string[])[] }>('select public.seen_under($1::json) as seen', [JSON.stringify(settings)])
  return (rows[0]?.seen ?? []).map((one) => one.toSorted())
}
