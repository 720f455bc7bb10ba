import type { CatalogueCheck } from './check.ts'

export const TABLE_CHECKS = [
  {
    code: 'rls_off',
    group: 'tables',
    proves: 'row-level security is on for every table and partition',
    find: `
      select format('%s has row-level security off: whoever may read it reads the rows of every organisation.', name) as says,
             format('alter table %s enable row level security;', name) as mend
      from stored, input where not relrowsecurity and relname <> all (unwalled)`,
  },
  {
    code: 'rls_not_forced',
    group: 'tables',
    proves: 'row-level security is forced, so that it holds for the owner, too',
    find: `
      select format('%s does not force row-level security: its owner reads the rows of every organisation.', name) as says,
             format('alter table %s force row level security;', name) as mend
      from stored, input where not relforcerowsecurity and relname <> all (unwalled)`,
  },
  {
    code: 'scope_nullable',
    group: 'tables',
    proves: 'no row is without its organisation and project',
    find: `
      select format('%s.%I may be null: such a row is in no scope, and no key holds for it.', name, a.attname) as says,
             format('alter table %s alter column %I set not null;', name, a.attname) as mend
      from stored s join pg_attribute a on a.attrelid = s.oid
      where s.org_id and a.attname in ('org_id', 'project_id') and not a.attnotnull`,
  },
  {
    // Before the keys: what one points to cannot be dropped.
    code: 'foreign_key_without_scope',
    group: 'tables',
    proves: 'every foreign key holds organisation and project on both sides',
    listed: true,
    find: `
      select format('The foreign key %s of %s does not hold %s on both sides: it tells that a foreign row is there, and links to it.',
                    k.conname, s.name, case when s.project_id and their.project_id then 'org_id and project_id' else 'org_id' end) as says,
             format('alter table %s drop constraint %I;', s.name, k.conname) as mend
      from input, stored s
      join pg_constraint k on k.conrelid = s.oid and k.contype = 'f'
      left join stored their on their.oid = k.confrelid
      cross join lateral (
        select coalesce(bool_or(own.attname = 'org_id' and (other.attname = 'org_id' or (their.relname = 'organisations' and other.attname = 'id'))), false) as by_org,
               coalesce(bool_or(own.attname = 'project_id' and other.attname = 'project_id'), false) as by_project
        from unnest(k.conkey, k.confkey) as pair (own_number, other_number)
        join pg_attribute own on own.attrelid = k.conrelid and own.attnum = pair.own_number
        join pg_attribute other on other.attrelid = k.confrelid and other.attnum = pair.other_number) held
      where s.org_id and k.conname <> all (keys_alone)
        and not (held.by_org and (held.by_project or not s.project_id or not coalesce(their.project_id, false)))`,
  },
  {
    // Unique indexes, be they made by a constraint or not.
    code: 'key_without_scope',
    group: 'tables',
    proves: 'every key holds organisation and project, so that no collision tells of a foreign row',
    listed: true,
    find: `
      select format('The key %s of %s does not hold %s: a collision tells that a foreign row is there.',
                    named.key, name, case when project_id then 'org_id and project_id' else 'org_id' end) as says,
             case when k.conname is null then format('drop index ambit.%I;', named.key)
                  when k.contype = 'x' then format('alter table %s drop constraint %I;', name, k.conname)
                  else format('alter table %s drop constraint %I, add %s (%s);', name, k.conname,
                              case k.contype when 'p' then 'primary key' else 'unique' end, named.scoped_columns)
             end as mend
      from input, stored s
      join pg_index i on i.indrelid = s.oid and (i.indisunique or i.indisexclusion)
      left join pg_constraint k on k.conindid = i.indexrelid and k.conrelid = s.oid and k.contype in ('p', 'u', 'x')
      cross join lateral (
        select (select relname from pg_class where oid = i.indexrelid) as key,
               coalesce(bool_or(a.attname = 'org_id'), false) as has_org, coalesce(bool_or(a.attname = 'project_id'), false) as has_project,
               concat_ws(', ', 'org_id', case when s.project_id then 'project_id' end,
                         string_agg(quote_ident(a.attname), ', ' order by c.place) filter (where a.attname not in ('org_id', 'project_id'))) as scoped_columns
        from unnest(i.indkey::int2[]) with ordinality c (number, place)
        join pg_attribute a on a.attrelid = s.oid and a.attnum = c.number
        where c.place <= i.indnkeyatts) named
      where s.org_id and named.key <> all (keys_alone) and not (named.has_org and (named.has_project or not s.project_id))`,
  },
] as const satisfies readonly CatalogueCheck[]
