import type { CatalogueCheck } from './check.ts'

export const GRANT_CHECKS = [
  {
    code: 'grant_public',
    group: 'grants',
    proves: 'nothing is granted to PUBLIC',
    find: `
      select distinct format('%s is open to PUBLIC, and so to every login of the server.', name) as says, format('revoke all on %s from public;', name) as mend
      from granted where grantee = 0 and schema = 'ambit'
      union all
      select distinct format('The schema %I is open to PUBLIC, and so to every login of the server.', nspname), format('revoke all on schema %I from public;', nspname)
      from pg_namespace cross join lateral aclexplode(nspacl) acl
      where acl.grantee = 0 and (nspname = 'ambit' or (nspname = 'ambit_host' and acl.privilege_type = 'CREATE'))`,
  },
  {
    code: 'grant_around',
    group: 'grants',
    proves: 'no role holds TRUNCATE, REFERENCES, TRIGGER or MAINTAIN, which ask no policy',
    find: `
      select format('The role %s holds %s on %s, which asks no policy.', role.rolname, upper(string_agg(distinct g.privilege, ', ')), g.name) as says,
             format('revoke %s on %s from %I;', string_agg(distinct g.privilege, ', '), g.name, role.rolname) as mend
      from granted g join role on role.oid = g.grantee
      where g.privilege in ('truncate', 'references', 'trigger', 'maintain')
      group by role.rolname, g.name`,
  },
  {
    code: 'grant_wide',
    group: 'grants',
    proves: 'lookup, sweeper and operator hold what they need, and the scoped role holds tables of a tenant, and of the directory what is listed',
    listed: true,
    find: `
      select format('The role %s may %s %s%s, which it has no need of.', role.rolname, g.privilege, g.name, columns.listed) as says,
             format('revoke %s%s on %s from %I;', g.privilege, columns.listed, g.name, role.rolname) as mend
      from input
      join (
        select oid, schema, relname, name, grantee, privilege,
               coalesce(array_agg(column_name) filter (where column_name is not null), '{}') as names, bool_or(column_name is null) as whole
        from granted, input
        where privilege in ('select', 'insert', 'update', 'delete') and not exists (
          select from role where role.oid = grantee and schema = 'ambit' and (
            format('%s %s %s *', handle, relname, privilege) = any (rights)
            or (column_name is not null and format('%s %s %s %s', handle, relname, privilege, column_name) = any (rights))))
        group by 1, 2, 3, 4, 5, 6
      ) g on true
      join role on role.oid = g.grantee
      cross join lateral (
        select case when g.whole then '' else format(' (%s)', (select string_agg(quote_ident(n), ', ') from unnest(g.names) n)) end) columns (listed)
      where role.handle <> 'scoped' or g.oid in (select oid from stored except select oid from tenant)
         or exists (select from unnest(rights) one (granted) where starts_with(one.granted, format('scoped %s ', g.relname)))`,
  },
  {
    code: 'grant_create',
    group: 'grants',
    proves: 'nobody who serves may create anything in the schemas ambit and ambit_host',
    find: `
      select format('%s may create tables, functions and views in the schema %I.', acl.grantee::regrole, nspname) as says,
             format('revoke create on schema %I from %s;', nspname, acl.grantee::regrole) as mend
      from pg_namespace cross join lateral aclexplode(nspacl) acl
      where nspname in ('ambit', 'ambit_host') and acl.privilege_type = 'CREATE' and acl.grantee <> nspowner
        and (acl.grantee in (select oid from role)
             or exists (select from login where nspname = 'ambit' and not administers and acl.grantee <> 0
                          and acl.grantee not in (select oid from mighty where why is not null) and pg_has_role(login.oid, acl.grantee, 'member')))`,
  },
] as const satisfies readonly CatalogueCheck[]
