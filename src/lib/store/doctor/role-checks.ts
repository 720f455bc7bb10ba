import type { CatalogueCheck } from './check.ts'

export const ROLE_CHECKS = [
  {
    code: 'role_missing',
    group: 'roles',
    proves: 'all four exist',
    find: `
      select format('There is no role %s%s: nothing can be done in its name, and its policies and grants are gone with it.', prefix, handle) as says,
             format('create role %I nologin noinherit;', prefix || handle) as mend
      from input, unnest('{lookup,scoped,sweeper,operator}'::text[]) expected (handle)
      where handle not in (select handle from role)`,
  },
  {
    code: 'role_mighty',
    group: 'roles',
    proves: 'none logs in, is a superuser, has BYPASSRLS, CREATEROLE or REPLICATION',
    find: `
      select format('The role %s has %s: %s.', rolname, concat_ws(', ', login.can, super.can, bypass.can, creates.can, replicates.can),
                    case when rolsuper or rolbypassrls then 'no policy holds for it' else 'it can do more than its policies say' end) as says,
             format('alter role %I %s;', rolname, concat_ws(' ', 'no' || lower(login.can), 'no' || lower(super.can), 'no' || lower(bypass.can),
                                                            'no' || lower(creates.can), 'no' || lower(replicates.can))) as mend
      from role
      cross join lateral (select case when rolcanlogin then 'LOGIN' end) login (can)
      cross join lateral (select case when rolsuper then 'SUPERUSER' end) super (can)
      cross join lateral (select case when rolbypassrls then 'BYPASSRLS' end) bypass (can)
      cross join lateral (select case when rolcreaterole then 'CREATEROLE' end) creates (can)
      cross join lateral (select case when rolreplication then 'REPLICATION' end) replicates (can)
      where rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or rolreplication`,
  },
  {
    code: 'role_owns',
    group: 'roles',
    proves: 'none owns anything in the schema ambit',
    find: `
      select format('The role %s owns %s: an owner takes the walls down, and no check of its grants would see it.', role.rolname, o.name) as says,
             case when n.nspowner in (select oid from role) then null else format('alter %s %s owner to %s;', o.kind, o.name, n.nspowner::regrole) end as mend
      from role
      join (select name, 'table' as kind, relowner as owned_by from relation where schema = 'ambit'
            union all select name, 'routine', proowner from routine where schema = 'ambit'
            union all select 'the schema ambit', 'schema', nspowner from pg_namespace where nspname = 'ambit') o on o.owned_by = role.oid
      cross join pg_namespace n
      where n.nspname = 'ambit'`,
  },
  {
    code: 'role_member',
    group: 'roles',
    proves: 'none is a member of another role',
    find: `
      select format('The role %s is a member of %s: it may what that role may.', role.rolname, m.roleid::regrole) as says, m.revoke as mend
      from role join membership m on m.member = role.oid`,
  },
] as const satisfies readonly CatalogueCheck[]
