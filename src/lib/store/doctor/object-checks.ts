import type { CatalogueCheck } from './check.ts'

/** `security_barrier=on`, as a view's options may say it. */
const isOn = (option: string): string => `coalesce(v.reloptions, '{}') && '{${['true', 'on', 'yes', '1'].map((word) => `${option}=${word}`).join()}}'`

/** A view's text, as the catalogue writes it: a column's name, a setting of the scope, and what stands between them in one condition. */
const COLUMN = '(\\w+|"(?:[^"]|"")+")'
const SETTING = 'ambit\\.(?:org_id|project_ids)'
const BETWEEN = '(?:(?!\\sAND\\s|\\sOR\\s)[^;]){0,120}?'
const SET_LEFT = `${SETTING}(?:(?!\\sAND\\s|\\sOR\\s)[^;=]){0,80}= \\(?(?:\\w+\\.)?${COLUMN}`

export const OBJECT_CHECKS = [
  {
    code: 'definer_function',
    group: 'objects',
    proves: 'no function runs with the rights of its owner',
    find: `
      select format('%s is SECURITY DEFINER: who calls it reads as its owner.', name) as says, format('alter routine %s security invoker;', name) as mend
      from routine where prosecdef`,
  },
  {
    code: 'leakproof_function',
    group: 'objects',
    proves: 'no function is marked LEAKPROOF, and so run before the policies',
    find: `
      select format('%s is marked LEAKPROOF: it is run on rows that the policies hide.', name) as says, format('alter routine %s not leakproof;', name) as mend
      from routine where proleakproof`,
  },
  {
    code: 'copy_of_rows',
    group: 'objects',
    proves: 'there are no materialized views and no foreign tables, which have no policies',
    find: `
      select format('%s is a %s, which can have no policies.', name, what.kind) as says, format('drop %s %s;', what.kind, name) as mend
      from relation cross join lateral (select case relkind when 'm' then 'materialized view' else 'foreign table' end) what (kind)
      where relkind in ('m', 'f')`,
  },
  {
    code: 'view_in_ambit',
    group: 'objects',
    proves: 'there are no views in the schema ambit',
    find: `
      select format('%s is a view: it reads as its owner.', name) as says, format('drop view %s;', name) as mend
      from relation where relkind = 'v' and schema = 'ambit'`,
  },
  {
    code: 'rule_or_trigger',
    group: 'objects',
    proves: 'no rule and no trigger turns a statement into another',
    find: `
      select format('The rule %s on %s turns statements into others.', w.rulename, s.name) as says, format('drop rule %I on %s;', w.rulename, s.name) as mend
      from stored s join pg_rewrite w on w.ev_class = s.oid
      union all
      select format('The trigger %s on %s runs code in every transaction that writes to it.', t.tgname, s.name), format('drop trigger %I on %s;', t.tgname, s.name)
      from stored s join pg_trigger t on t.tgrelid = s.oid and not t.tgisinternal and t.tgparentid = 0`,
  },
] as const satisfies readonly CatalogueCheck[]

/** What tools see of the host's own database. */
export const HOST_CHECKS = [
  {
    code: 'host_view_open',
    group: 'host',
    proves: 'each view in ambit_host is a barrier (security_barrier), or asks the policies of who reads (security_invoker)',
    find: `
      select format('%s is no barrier: a function in a query sees rows before the view leaves them out.', name) as says,
             format('alter view %s set (security_barrier = true);', name) as mend
      from relation v where relkind = 'v' and schema = 'ambit_host' and not (${isOn('security_barrier')} or ${isOn('security_invoker')})`,
  },
  {
    code: 'host_view_unchecked',
    group: 'host',
    proves: 'each view in ambit_host that can be written through has a check option',
    find: `
      select distinct format('%s can be written through, and checks nothing: a row of another organisation could be made.', v.name) as says,
             format('alter view %s set (check_option = cascaded);', v.name) as mend
      from relation v
      join granted g on g.oid = v.oid and g.privilege in ('insert', 'update') and (g.grantee = 0 or g.grantee in (select oid from role))
      where v.relkind = 'v' and v.schema = 'ambit_host' and not ${isOn('security_invoker')}
        and coalesce(array_to_string(v.reloptions, ' '), '') !~ 'check_option='
        and not exists (select from pg_trigger t where t.tgrelid = v.oid)`,
  },
  {
    // "on conflict do update" meets rows that the view does not show, and the check option sees only what they become. (The
    // policies that a security_invoker view asks are put to the row that is there.)
    code: 'host_view_takes',
    group: 'host',
    proves: 'through no view in ambit_host can rows be made and be given to another organisation or project',
    find: `
      select format('Through %s rows can be inserted, and %s updated: an insert that meets the key of a foreign row can take it over.', v.name, moved.names) as says,
             concat_ws(chr(10), format('revoke update on %s from %I;', v.name, scoped.rolname),
                       case when kept.names is not null then format('grant update (%s) on %s to %I;', kept.names, v.name, scoped.rolname) end) as mend
      from scoped, relation v
      cross join lateral (select pg_get_viewdef(v.oid)) view (text)
      -- The columns that the view compares with the scope, on either side, as it is written in the catalogue,
      cross join lateral (
        select array_agg(one[1]) as names
        from (select regexp_matches(view.text, '${COLUMN}\\)?(?:::\\w+)? (?:=|IN) ${BETWEEN}${SETTING}', 'g') union all select regexp_matches(view.text, '${SET_LEFT}', 'g')) found (one)) written
      -- and what the view calls them.
      cross join lateral (
        select written.names || array(select one[2] from regexp_matches(view.text, '${COLUMN} AS ${COLUMN}', 'g') one where one[1] = any (written.names)) as names) compared
      cross join lateral (
        select string_agg(quote_ident(a.attname), ' and ' order by a.attnum) as names from pg_attribute a
        where a.attrelid = v.oid and a.attnum > 0 and quote_ident(a.attname) = any (compared.names) and has_column_privilege(scoped.oid, v.oid, a.attnum, 'update')) moved
      cross join lateral (
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum) as names from pg_attribute a
        where a.attrelid = v.oid and a.attnum > 0 and quote_ident(a.attname) <> all (compared.names)) kept
      where v.relkind = 'v' and v.schema = 'ambit_host' and not ${isOn('security_invoker')}
        and moved.names is not null and has_any_column_privilege(scoped.oid, v.oid, 'insert')`,
  },
  {
    // pg_shdepend holds who is granted what in this database, with an index: the host may have ten thousand tables.
    code: 'host_table_open',
    group: 'host',
    proves: 'every other table that tools may touch has row-level security on',
    find: `
      select distinct format('%s may touch %I.%I, which has no policies: it shows the rows of every organisation.', scoped.rolname, n.nspname, c.relname) as says,
             format('revoke all on %I.%I from %I;', n.nspname, c.relname, scoped.rolname) as mend
      from scoped
      join pg_shdepend d on d.refclassid = 'pg_authid'::regclass and d.refobjid = scoped.oid and d.deptype = 'a' and d.classid = 'pg_class'::regclass
                        and d.dbid = (select oid from pg_database where datname = current_database())
      join pg_class c on c.oid = d.objid
      join pg_namespace n on n.oid = c.relnamespace
      left join relation v on v.oid = c.oid
      where case when v.schema = 'ambit' then false
                 when c.relkind = 'v' then coalesce(v.schema, '') <> 'ambit_host' and not (coalesce(c.reloptions, '{}') && '{security_invoker=true,security_invoker=on,security_invoker=yes,security_invoker=1}')
                 when c.relkind in ('r', 'p') then not c.relrowsecurity
                 when c.relkind in ('m', 'f') then v.schema is null
                 else false end
      union
      select format('%I.%I is open to PUBLIC, and so to %s, and has no policies: it shows the rows of every organisation.', n.nspname, c.relname, scoped.rolname),
             format('revoke all on %I.%I from public;', n.nspname, c.relname)
      from scoped, pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relacl is not null and c.relkind in ('r', 'p') and not c.relrowsecurity
        and n.nspname not in ('ambit', 'pg_catalog', 'information_schema') and has_schema_privilege(scoped.oid, n.oid, 'usage')
        and exists (select from aclexplode(c.relacl) acl where acl.grantee = 0 and acl.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
        and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')`,
  },
  {
    code: 'host_policy_open',
    group: 'host',
    proves: 'where such a table has a policy of the organisation, a restrictive one holds it against all others',
    find: `
      select format('%s has a policy of the organisation for %s, and no restrictive one: the policy %s adds rows of others to what it shows.', h.name, scoped.rolname, quote_ident(min(other.polname))) as says,
             format('drop policy if exists ambit_walls on %1$s;%4$screate policy ambit_walls on %1$s as restrictive to %2$I using (%3$s);', h.name, scoped.rolname, min(ours.using_text), chr(10)) as mend
      from scoped, host_table h
      join host_policy ours on ours.polrelid = h.oid and ours.polpermissive and ours.for_scoped and ours.by_org and ours.using_text is not null
      join host_policy other on other.polrelid = h.oid and other.polpermissive and not other.by_org
      where not exists (select from host_policy p where p.polrelid = h.oid and not p.polpermissive and p.polcmd = '*' and p.for_scoped and p.by_org)
      group by h.name, scoped.rolname`,
  },
  {
    code: 'host_grant_around',
    group: 'host',
    proves: 'on no such table do tools hold TRUNCATE, REFERENCES, TRIGGER or MAINTAIN, which ask no policy',
    find: `
      select format('%s holds %s on %s, which asks no policy.', scoped.rolname, upper(string_agg(distinct acl.privilege_type, ', ')), h.name) as says,
             format('revoke %s on %s from %I;', lower(string_agg(distinct acl.privilege_type, ', ')), h.name, scoped.rolname) as mend
      from scoped, host_table h cross join lateral aclexplode(h.relacl) acl
      where acl.grantee = scoped.oid and acl.privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')
      group by scoped.rolname, h.name`,
  },
] as const satisfies readonly CatalogueCheck[]
