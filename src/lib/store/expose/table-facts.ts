import type { Sql } from '../database.ts'
import type { Wanted } from './exposure.ts'
import type { TableName } from './table-name.ts'

export interface Column {
  readonly name: string
  readonly quoted: string
  /** As the catalogue calls it: `int4`, `uuid`. Empty for a type that is not PostgreSQL's own. */
  readonly type: string
  /** As people call it. */
  readonly shown: string
  readonly required: boolean
  /** False where its collation takes different texts for equal, and so might take another organisation for this one. */
  readonly deterministic: boolean
  /** It gets its values from this sequence, which is not an identity's. Quoted. */
  readonly sequence: string | null
  /** That is open to the scoped role already. */
  readonly sequenceOpen: boolean
  readonly indexed: boolean
}

/** What the catalogue says of a host's table. Names are quoted. */
export interface TableFacts {
  readonly schema: string
  readonly quotedSchema: string
  readonly name: string
  readonly quoted: string
  /** pg_class.relkind, and whether it lives for this connection only. */
  readonly kind: string
  readonly temporary: boolean
  /** The table of which it is a partition. */
  readonly partitionOf: string | null
  readonly rowSecurity: boolean
  readonly forced: boolean
  readonly owner: string
  /** The owner is one whom no policy holds, also where it is forced. */
  readonly ownerBypasses: boolean
  /** Unique keys, with the names of their columns. */
  readonly keys: readonly { readonly name: string; readonly columns: readonly string[] }[]
  readonly columns: readonly Column[]
  /** Those that run with the rights of whoever writes. */
  readonly triggers: readonly string[]
  /** Restrictive policies of the host that hold for tools, too. */
  readonly restrictions: readonly string[]
  /** It stands open by policies that expose made. */
  readonly openByPolicy: boolean
  /** The views that expose made over it. Quoted. */
  readonly views: readonly string[]
}

/** Who asks, and what is there already. */
export interface PlaceFacts {
  readonly login: string
  /** Policies do not hold for the login. */
  readonly bypasses: boolean
  /** The login is the owner of the table, or may do all that it may. */
  readonly owns: boolean
  /** What the login may do with the table. */
  readonly may: readonly string[]
  readonly hasRole: boolean
  /** The prefix of the roles for which the schema was made, where it is not the one that was given. */
  readonly otherPrefix: string | null
  /** The login may make schemas (PostgreSQL asks also where ambit_host is there), and ambit_host is its own: only its owner lets tools in. */
  readonly mayCreate: boolean
  /** Tools may use the schema of the table already, or the login, as its owner, may let them. */
  readonly mayEnter: boolean
  /** What has the name of the view already. */
  readonly taken: { readonly kind: string; readonly made: boolean; readonly overTable: boolean } | null
  /** The name of the view, quoted. */
  readonly view: string
}

/** The comment on a view that expose made begins so. */
export const MADE_BY = 'Made by "ambit expose": '
/** The policies that expose makes. */
export const POLICIES = { walls: 'ambit_walls', scope: 'ambit_scope' } as const

const NAMED = `c.relname = $2::text and case when $1::text is null then pg_table_is_visible(c.oid) else n.nspname = $1 end and c.relkind in ('r', 'p', 'v', 'm', 'f')`

const MADE = `exists (select from pg_description d where d.objoid = v.oid and d.classoid = 'pg_class'::regclass and d.objsubid = 0 and starts_with(d.description, $4))`

const OVER_TABLE = `exists (
  select from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
  where w.ev_class = v.oid and d.refobjid = c.oid)`

const COLUMNS = `
  select jsonb_agg(jsonb_build_object(
    'name', a.attname, 'quoted', quote_ident(a.attname), 'type', case when t.typnamespace = 'pg_catalog'::regnamespace then t.typname else '' end, 'shown', format_type(a.atttypid, a.atttypmod), 'required', a.attnotnull,
    'deterministic', coalesce((select collisdeterministic from pg_collation where oid = a.attcollation), true),
    'indexed', exists (select from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum and i.indpred is null),
    'sequence', used.sequence, 'sequenceOpen', coalesce(used.open, false)) order by a.attnum)
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  left join lateral (
    select format('%I.%I', sn.nspname, s.relname) as sequence, exists (select from aclexplode(s.relacl) acl where acl.grantee = scoped.oid) as open
    from pg_attrdef f
    join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid and d.refclassid = 'pg_class'::regclass
    join pg_class s on s.oid = d.refobjid and s.relkind = 'S' join pg_namespace sn on sn.oid = s.relnamespace
    where f.adrelid = c.oid and f.adnum = a.attnum order by 1 limit 1) used on true
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`

const KEYS = `
  select jsonb_agg(jsonb_build_object('name', quote_ident(k.relname), 'columns', coalesce((
    select jsonb_agg(a.attname) from unnest(i.indkey::int2[]) one (number) join pg_attribute a on a.attrelid = c.oid and a.attnum = one.number), '[]')) order by k.relname)
  from pg_index i join pg_class k on k.oid = i.indexrelid where i.indrelid = c.oid and i.indisunique`

const TRIGGERS = `
  select jsonb_agg(quote_ident(g.tgname) order by g.tgname) from pg_trigger g join pg_proc p on p.oid = g.tgfoid
  where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled <> 'D' and not p.prosecdef`

const RESTRICTIONS = `
  select jsonb_agg(quote_ident(p.polname) order by p.polname) from pg_policy p
  where p.polrelid = c.oid and not p.polpermissive and p.polname <> '${POLICIES.walls}' and p.polroles && array[0::oid, scoped.oid]`

const TABLE = `
  select n.nspname as schema, quote_ident(n.nspname) as "quotedSchema", c.relname as name, format('%I.%I', n.nspname, c.relname) as quoted,
         c.relkind::text as kind, c.relpersistence = 't' as temporary, c.relrowsecurity as "rowSecurity", c.relforcerowsecurity as forced,
         case when c.relispartition then (select format('%I.%I', pn.nspname, p.relname) from pg_inherits h join pg_class p on p.oid = h.inhparent
                                          join pg_namespace pn on pn.oid = p.relnamespace where h.inhrelid = c.oid) end as "partitionOf",
         owner.rolname as owner, owner.rolsuper or owner.rolbypassrls as "ownerBypasses",
         (${COLUMNS}) as columns, coalesce((${KEYS}), '[]') as keys, coalesce((${TRIGGERS}), '[]') as triggers, coalesce((${RESTRICTIONS}), '[]') as restrictions,
         exists (select from pg_policy p where p.polrelid = c.oid and p.polname in ('${POLICIES.walls}', '${POLICIES.scope}')) as "openByPolicy",
         coalesce((select jsonb_agg(format('ambit_host.%I', v.relname) order by v.relname) from pg_class v
                   where v.relnamespace = to_regnamespace('ambit_host') and v.relkind = 'v' and ${MADE} and ${OVER_TABLE}), '[]') as views
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles owner on owner.oid = c.relowner
  left join pg_roles scoped on scoped.rolname = $3
  where ${NAMED}`

const PLACE = `
  select current_user::text as login, me.rolsuper or me.rolbypassrls as bypasses, pg_has_role(current_user, c.relowner, 'usage') as owns,
         coalesce((select jsonb_agg(one) from unnest('{select,insert,update,delete}'::text[]) one where has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, one)), '[]') as may,
         scoped.oid is not null as "hasRole",
         (select left(r.rolname, -length('lookup')) from pg_policy p join pg_class o on o.oid = p.polrelid join pg_roles r on r.oid = p.polroles[1]
          where o.relnamespace = to_regnamespace('ambit') and o.relname = 'organisations' and p.polname = 'lookup' and r.rolname <> $6) as "otherPrefix",
         coalesce((select pg_has_role(current_user, h.nspowner, 'usage') from pg_namespace h where h.nspname = 'ambit_host'), true)
           and has_database_privilege(current_database(), 'create') as "mayCreate",
         pg_has_role(current_user, n.nspowner, 'usage') or coalesce(has_schema_privilege(scoped.oid, n.oid, 'usage'), false) as "mayEnter",
         (select jsonb_build_object('kind', v.relkind, 'made', ${MADE}, 'overTable', ${OVER_TABLE})
          from pg_class v where v.relnamespace = to_regnamespace('ambit_host') and v.relname = $5::text) as taken,
         format('ambit_host.%I', $5::text) as view
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles me on me.rolname = current_user left join pg_roles scoped on scoped.rolname = $3
  where ${NAMED}`

const ALIKE = `
  select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where lower(c.relname) = lower($1) and c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('ambit', 'ambit_host', 'pg_catalog', 'information_schema')
  order by 1 limit 5`

/** Null where there is no such table for this login. */
export async function readFacts(sql: Sql, { schema, name }: TableName, { rolePrefix, name: view }: Wanted): Promise<(PlaceFacts & { readonly table: TableFacts }) | null> {
  const role = `${rolePrefix}scoped`
  const { rows: tables } = await sql.query<TableFacts>(TABLE, [schema, name, role, MADE_BY])
  const { rows: places } = await sql.query<PlaceFacts>(PLACE, [schema, name, role, MADE_BY, view ?? name, `${rolePrefix}lookup`])
  const [[table], [place]] = [tables, places]
  return table && place ? { ...place, table } : null
}

/** Tables that somebody may have meant: of another schema, or written in other letters. */
export async function listAlike(sql: Sql, { name }: TableName): Promise<readonly string[]> {
  return (await sql.query<{ name: string }>(ALIKE, [name])).rows.map((row) => row.name)
}
