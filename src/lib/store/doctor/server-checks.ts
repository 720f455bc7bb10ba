import type { CatalogueCheck } from './check.ts'

/** The oldest server whose views can ask the policies of who reads (security_invoker). */
export const OLDEST_SERVER = 15

/** What a connection begins with. Roles and databases may carry settings, and a scope among them would be everybody's. */
export const CONNECTION_CHECKS = [
  {
    code: 'setting_preset',
    group: 'server',
    proves: 'no connection begins with a role or a scope',
    find: `
      select format('Every connection of %s begins with %s: a transaction that names no scope would have that one.',
                    case when s.setrole = 0 then 'every login' else format('"%s"', session_user) end, split_part(item, '=', 1)) as says,
             format('alter %s reset %s;',
                    case when s.setrole = 0 and s.setdatabase = 0 then 'role all'
                         when s.setrole = 0 then format('database %I', current_database())
                         else format('role %I%s', session_user, case when s.setdatabase = 0 then '' else format(' in database %I', current_database()) end) end,
                    split_part(item, '=', 1)) as mend
      from pg_db_role_setting s cross join lateral unnest(s.setconfig) item
      where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
        and s.setrole in (0, (select oid from pg_roles where rolname = session_user))
        and item ~ '^(ambit\\.|role=)'`,
  },
  {
    code: 'row_security_off',
    group: 'server',
    proves: 'row_security is on',
    find: `
      select 'row_security is off: every statement under a policy would fail.' as says,
             format('alter role %I in database %I set row_security = on;', session_user, current_database()) as mend
      where current_setting('row_security') = 'off'`,
  },
] as const satisfies readonly CatalogueCheck[]
