import type { CatalogueCheck } from './check.ts'

/** `security_barrier=on`, as a view's options may say it. */
const isOn = (option: string): string => `coalesce(v.reloptions, '{}') && '{${['true', 'on', 'yes', '1'].map((word) => `${option}=${word}`).join()}}'`

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
] as const satisfies readonly CatalogueCheck[]
