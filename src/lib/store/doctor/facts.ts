/**
 * What the checks are asked over: common table expressions, read once per examination. Everything comes from the
 * catalogue, which any login may read. Parameters: the role prefix, and the lists of `rights.ts`.
 *
 * Grants carry their options since PostgreSQL 16 (`modern`); before, a login inherits all of its roles or none. Columns
 * that 15 does not have are read through to_jsonb, where they are null.
 */
export const FACTS = `
input as (
  select $1::text as prefix, $2::text[] as rights, $3::text[] as unwalled, $4::text[] as keys_alone,
         current_setting('server_version_num')::int >= 160000 as modern
),
role as (
  select r.*, substr(r.rolname, length(input.prefix) + 1) as handle
  from pg_roles r, input
  where r.rolname in (input.prefix || 'lookup', input.prefix || 'scoped', input.prefix || 'sweeper', input.prefix || 'operator')
),
scoped as (select * from role where handle = 'scoped'),
-- One that administers is not mended: it is somebody's, and the app gets another.
login as (
  select r.*, n.nspowner = r.oid as owns_schema, r.rolsuper or r.rolcreaterole or n.nspowner = r.oid as administers, n.nspowner::regrole as owner
  from pg_roles r, pg_namespace n
  where r.rolname = session_user and n.nspname = 'ambit'
),
-- The statements that make a right login, where the present one is somebody else's.
new_login as (
  select concat_ws(chr(10),
    case when not exists (select from pg_roles where rolname = name)
         then format('create role %I login noinherit nosuperuser nocreatedb nocreaterole nobypassrls;', name) end,
    format('grant connect on database %I to %I;', current_database(), name),
    case when not modern then format('alter role %I noinherit;', name) end,
    format('grant %I, %I, %I to %I%s;', prefix || 'lookup', prefix || 'scoped', prefix || 'sweeper', name,
           case when modern then ' with inherit false, set true' else '' end),
    format('-- Then give it a password (in psql: \\password %I), and name it in AMBIT_DATABASE_URL.', name)) as new_login
  from input cross join lateral (select prefix || case when session_user = prefix || 'app' then 'login' else 'app' end) one (name)
),
membership as (
  select m.*, (to_jsonb(m) ->> 'inherit_option')::boolean as inherited,
         format('revoke %s from %s%s;', m.roleid::regrole, m.member::regrole, granted.by) as revoke,
         format('revoke inherit option for %s from %s%s;', m.roleid::regrole, m.member::regrole, granted.by) as disinherit
  from pg_auth_members m, input
  cross join lateral (select case when input.modern then format(' granted by %s', m.grantor::regrole) else '' end) granted (by)
),
-- Who gets past the policies: no login of the app may become one of these.
mighty as (
  select r.oid,
         case when r.rolsuper then 'is a superuser'
              when r.rolbypassrls then 'has BYPASSRLS'
              when r.oid = n.nspowner then 'owns the schema ambit'
              when r.oid in (select relowner from pg_class where relnamespace = n.oid) then 'owns tables of the schema ambit'
              when r.rolcreaterole then 'can give itself other roles'
              when r.rolname in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') then 'reaches the files of the server'
         end as why
  from pg_roles r, pg_namespace n where n.nspname = 'ambit'
),
routine as (
  select p.*, n.nspname as schema, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as name
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('ambit', 'ambit_host')
),
relation as (
  select c.*, n.nspname as schema, format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('ambit', 'ambit_host') and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
),
-- Ambit's own tables, partitions included.
stored as (
  select r.*, has.org_id, has.project_id
  from relation r
  cross join lateral (
    select coalesce(bool_or(a.attname = 'org_id'), false) as org_id, coalesce(bool_or(a.attname = 'project_id'), false) as project_id
    from pg_attribute a where a.attrelid = r.oid and a.attname in ('org_id', 'project_id') and not a.attisdropped) has
  where r.schema = 'ambit' and r.relkind in ('r', 'p')
),
-- One row per right, of a table or of a column.
granted as (
  select listed.oid, listed.schema, listed.relname, listed.name, listed.column_name, acl.grantee, lower(acl.privilege_type) as privilege
  from (
    select oid, schema, relname, name, relowner, null::name as column_name, relacl as rights from relation
    union all
    select r.oid, r.schema, r.relname, r.name, r.relowner, a.attname, a.attacl
    from relation r join pg_attribute a on a.attrelid = r.oid where a.attacl is not null and not a.attisdropped
  ) listed
  cross join lateral aclexplode(listed.rights) acl
  where acl.grantee <> listed.relowner
),
-- What the scoped role may touch, and so what must stand behind the walls of organisation and project. A table of the
-- directory becomes one by a policy: a grant alone is a mistake, and the mending is not to open it further.
tenant as (
  select s.* from stored s, input
  where s.org_id and exists (select from granted g where g.oid = s.oid and (g.grantee = 0 or g.grantee in (select oid from scoped)))
    and (not exists (select from unnest(rights) one (granted) where starts_with(one.granted, format('lookup %s ', s.relname)))
         or exists (select from pg_policy p where p.polrelid = s.oid and (select oid from scoped) = any (p.polroles)))
),
-- 'constant': an expression without a column answers the same for every row.
policy as (
  select p.polname, p.polrelid, p.polpermissive, p.polcmd, p.polroles, s.relname, s.name, s.project_id,
         said.using_text, said.check_text,
         (p.polqual is not null and p.polqual::text !~ '\\{VAR ' and said.using_text <> 'false')
           or (p.polwithcheck is not null and p.polwithcheck::text !~ '\\{VAR ' and said.check_text <> 'false') as constant,
         coalesce(said.using_text, said.check_text) ~ 'ambit\\.org_id' and coalesce(said.check_text, said.using_text) ~ 'ambit\\.org_id' as by_org,
         coalesce(said.using_text, said.check_text) ~ 'ambit\\.project_ids'
           and coalesce(said.check_text, said.using_text) ~ 'ambit\\.project_ids' as by_project,
         format('drop policy %I on %s;', p.polname, s.name) as remove
  from pg_policy p join stored s on s.oid = p.polrelid
  cross join lateral (
    select pg_get_expr(p.polqual, p.polrelid) as using_text, pg_get_expr(p.polwithcheck, p.polrelid) as check_text) said
),
-- The host's tables that tools may touch. pg_shdepend holds who is granted what in this database, with an index: the host
-- may have ten thousand tables.
host_table as (
  select distinct c.oid, c.relacl, format('%I.%I', n.nspname, c.relname) as name
  from scoped
  join pg_shdepend d on d.refclassid = 'pg_authid'::regclass and d.refobjid = scoped.oid and d.deptype = 'a' and d.classid = 'pg_class'::regclass
                    and d.dbid = (select oid from pg_database where datname = current_database())
  join pg_class c on c.oid = d.objid and c.relkind in ('r', 'p')
  join pg_namespace n on n.oid = c.relnamespace and n.nspname not in ('ambit', 'ambit_host')
),
host_policy as (
  select p.polname, p.polrelid, p.polpermissive, p.polcmd, scoped.oid = any (p.polroles) as for_scoped, pg_get_expr(p.polqual, p.polrelid) as using_text,
         coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) ~ 'ambit\\.org_id' as by_org
  from scoped, pg_policy p join host_table h on h.oid = p.polrelid
  where p.polroles && array[0::oid, scoped.oid]
)`
