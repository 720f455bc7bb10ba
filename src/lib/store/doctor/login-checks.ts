import type { CatalogueCheck } from './check.ts'

/** Ambit's own login, as it came to this connection. An embedded database has none: its only login is a superuser. */
export const LOGIN_CHECKS = [
  {
    code: 'login_superuser',
    group: 'login',
    proves: 'is no superuser',
    find: `
      select format('The login "%s" is a superuser: no policy holds for it.', rolname) as says, new_login as mend
      from login, new_login where rolsuper`,
  },
  {
    code: 'login_bypasses_rls',
    group: 'login',
    proves: 'has no BYPASSRLS',
    find: `
      select format('The login "%s" has BYPASSRLS: no policy holds for it.', rolname) as says,
             case when administers then new_login else format('alter role %I nobypassrls;', rolname) end as mend
      from login, new_login where rolbypassrls and not rolsuper`,
  },
  {
    code: 'login_creates_roles',
    group: 'login',
    proves: 'has no CREATEROLE',
    find: `
      select format('The login "%s" has CREATEROLE: it can give itself other roles.', rolname) as says, new_login as mend
      from login, new_login where rolcreaterole and not rolsuper`,
  },
  {
    code: 'login_replicates',
    group: 'login',
    proves: 'has no REPLICATION',
    find: `
      select format('The login "%s" has REPLICATION: it can copy every row of the server past the policies.', rolname) as says,
             case when administers then new_login else format('alter role %I noreplication;', rolname) end as mend
      from login, new_login where rolreplication and not rolsuper`,
  },
  {
    code: 'login_owns',
    group: 'login',
    proves: 'owns nothing in the schema ambit',
    find: `
      select format('The login "%s" owns the schema ambit: it can take the walls down.', rolname) as says, new_login as mend
      from login, new_login where owns_schema and not rolsuper
      union all
      select format('The login "%s" owns %s: it can take its walls down.', rolname, o.name), format('alter %s %s owner to %s;', o.kind, o.name, owner)
      from login
      join (select name, 'table' as kind, relowner as oid from relation where schema = 'ambit'
            union all
            select name, 'routine', proowner from routine where schema = 'ambit') o using (oid)
      where not rolsuper and not owns_schema`,
  },
  {
    code: 'login_inherits',
    group: 'login',
    proves: 'inherits none of the roles',
    find: `
      select format('The login "%s" inherits %s: what forgets to take a role still reads what that role may.', login.rolname, role.rolname) as says,
             case when modern then links.mend else format('alter role %I noinherit;', login.rolname) end as mend
      from login, input, role
      cross join lateral (
        -- Who else is a member is left out of it, and the app's login gets in directly: the rest of that role stays as it is.
        select string_agg(
                 case when m.member = login.oid then m.disinherit
                      else format('%s%sgrant %s to %s with inherit false, set true;', m.revoke, chr(10), role.oid::regrole, login.oid::regrole) end,
                 chr(10)) as mend
        from membership m
        where m.roleid = role.oid and m.inherited and (m.member = login.oid or pg_has_role(login.oid, m.member, 'usage'))) links
      where role.handle <> 'operator' and not administers and pg_has_role(login.oid, role.oid, 'usage')`,
  },
  {
    code: 'login_cannot_become',
    group: 'login',
    proves: 'may become lookup, scoped and sweeper',
    find: `
      select format('The login "%s" may not become %s: requests would fail.', login.rolname, role.rolname) as says,
             case when modern then format('grant %s to %s with inherit false, set true;', role.oid::regrole, login.oid::regrole)
                  else format('alter role %2$s noinherit;%3$sgrant %1$s to %2$s;', role.oid::regrole, login.oid::regrole, chr(10)) end as mend
      from login, input, role
      where role.handle <> 'operator' and not administers
        and not pg_has_role(login.oid, role.oid, case when modern then 'set' else 'member' end)`,
  },
  {
    // Any membership, also one that neither inherits nor may be set: what has ADMIN can give itself the rest.
    code: 'login_may_become',
    group: 'login',
    proves: 'may become neither the operator, nor the owner, nor anybody who reads past the policies',
    find: `
      select format('The login "%s" is a member of %s, which %s.', login.rolname, m.oid::regrole, m.why) as says,
             (select string_agg(link.revoke, chr(10)) from membership link
              where link.member = login.oid and (link.roleid = m.oid or pg_has_role(link.roleid, m.oid, 'member'))) as mend
      from login, mighty m
      where m.why is not null and m.oid <> login.oid and m.oid not in (select oid from role) and not administers and pg_has_role(login.oid, m.oid, 'member')
      union all
      select format('The login "%s" is a member of %s, which reads and writes the people and keys of every organisation.', login.rolname, role.rolname),
             string_agg(link.revoke, chr(10))
      from login, role, membership link
      where role.handle = 'operator' and not administers and link.roleid = role.oid
        and (link.member = login.oid
             -- A group that is no administrator's has no need of it either; of an administrator, see above.
             or (pg_has_role(login.oid, link.member, 'member') and link.member not in (select oid from mighty where why is not null)))
      group by 1`,
  },
  {
    code: 'login_granted',
    group: 'login',
    proves: 'holds no right of its own in the schema ambit',
    find: `
      select distinct format('%s holds rights on %s: the app could touch it without taking a role.',
                             case when g.grantee = login.oid then format('The login "%s"', login.rolname)
                                  else format('%s, of which the login "%s" is a member,', g.grantee::regrole, login.rolname) end, g.name) as says,
             format('revoke all on %s from %s;', g.name, g.grantee::regrole) as mend
      from granted g, login
      where g.schema = 'ambit' and g.grantee <> 0 and g.grantee not in (select oid from role) and not administers
        and g.grantee not in (select oid from mighty where why is not null) and pg_has_role(login.oid, g.grantee, 'member')`,
  },
] as const satisfies readonly CatalogueCheck[]
