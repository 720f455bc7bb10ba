import { refused } from './exposure.ts'
import type { Refused, Right, Wanted } from './exposure.ts'
import { isComparable } from './scope-clause.ts'
import type { ScopeColumns } from './scope-clause.ts'
import type { Column, PlaceFacts, TableFacts } from './table-facts.ts'

/** What can be done: from here on nothing is refused. */
export interface Exposure extends ScopeColumns {
  readonly ok: true
  readonly table: TableFacts
  readonly as: Wanted['as']
  /** Of the view, quoted. */
  readonly view: string
  /** Those that are opened, and whether all are. */
  readonly columns: readonly Column[]
  readonly allColumns: boolean
  readonly allow: readonly Right[]
  /** Of Ambit: `ambit_scoped`. */
  readonly role: string
}

type Facts = PlaceFacts & { readonly table: TableFacts }

/** `printed`: somebody else will run it, so nothing is asked about the login that is here. */
export function judgeExposure(wanted: Wanted, facts: Facts, { printed }: { readonly printed: boolean }): Exposure | Refused {
  const wrong = faultOfPlace(wanted, facts) ?? faultOfTable(facts.table) ?? faultOfColumns(wanted, facts.table)
  if (wrong !== null) return refused(wrong)
  const exposure = exposureOf(wanted, facts)
  const unfit = faultOfRights(exposure) ?? (wanted.as === 'view' ? faultOfView(exposure, facts) : faultOfPolicy(exposure)) ?? (printed ? null : faultOfLogin(exposure, facts))
  return unfit === null ? exposure : refused(unfit)
}

function exposureOf({ orgColumn, projectColumn, everyProject, as, columns, allow, rolePrefix }: Wanted, { table, view }: Facts): Exposure {
  const opened = columns === null ? table.columns : table.columns.filter(({ name }) => columns.includes(name))
  const project = projectColumn === null ? null : columnOf(table, projectColumn)
  return { ok: true, table, as, view, org: columnOf(table, orgColumn), project, everyProject, columns: opened, allColumns: columns === null, allow, role: `${rolePrefix}scoped` }
}

function columnOf({ columns }: TableFacts, name: string): Column {
  const found = columns.find((column) => column.name === name)
  if (!found) throw new Error(`The column ${name} was not looked for.`)
  return found
}

function faultOfPlace({ rolePrefix }: Wanted, { hasRole, otherPrefix }: Facts): string | null {
  if (otherPrefix !== null) return `This database was migrated with the role prefix "${otherPrefix}", not "${rolePrefix}": set AMBIT_ROLE_PREFIX=${otherPrefix}.`
  return hasRole ? null : noRole(rolePrefix)
}

export function noRole(rolePrefix: string): string {
  return `There is no role ${rolePrefix}scoped to open a table to: run "ambit migrate" first.`
}

const KINDS: Readonly<Record<string, string>> = { v: 'a view', m: 'a materialized view', f: 'a foreign table' }

function faultOfTable({ schema, quoted, temporary, partitionOf }: TableFacts): string | null {
  if (schema === 'ambit') return `${quoted} is Ambit's own, and has walls of its own.`
  if (schema === 'ambit_host') return `${quoted} is what tools see already: name the table behind it.`
  if (schema === 'information_schema' || schema.startsWith('pg_')) return `${quoted} is the server's own: it is nobody's.`
  if (temporary) return `${quoted} is a temporary table: it is gone with this connection.`
  return partitionOf === null ? null : `${quoted} is a partition of ${partitionOf}: open that one, and its partitions are open with it.`
}

function faultOfColumns({ orgColumn, projectColumn, everyProject, columns }: Wanted, { quoted, columns: there }: TableFacts): string | null {
  const named = [orgColumn, ...(projectColumn === null ? [] : [projectColumn]), ...(columns ?? [])]
  const missing = named.find((name) => there.every((column) => column.name !== name))
  if (missing !== undefined) return `${quoted} has no column "${missing}". It has ${there.map(({ name }) => name).join(', ')}.`
  if (orgColumn === projectColumn) return `One column cannot be both: "${orgColumn}" is named as organisation and as project.`
  if (projectColumn !== null && everyProject) return '--every-project says that all projects see all rows, and --project-column that they do not: leave one out.'
  const odd = there.find((column) => (column.name === orgColumn || column.name === projectColumn) && !isComparable(column))
  if (odd === undefined) return null
  return odd.deterministic
    ? `${quoted}.${odd.quoted} is ${odd.shown}, which cannot be compared with an id: it must be text, varchar, uuid, smallint, integer or bigint.`
    : `${quoted}.${odd.quoted} has a collation that takes different texts for equal, and so one organisation for another: give it a deterministic one.`
}

function faultOfRights({ table, allow, org, project, columns }: Exposure): string | null {
  if (allow.length === 0) return '--allow names no right: it takes select, insert, update and delete, as "select,insert".'
  const kind = KINDS[table.kind]
  if (kind !== undefined && allow.some((right) => right !== 'select')) return `${table.quoted} is ${kind}: it can be opened for select only.`
  const hidden = allow.includes('insert') ? [org, ...(project ? [project] : [])].find((column) => !columns.includes(column)) : undefined
  if (hidden) return `--allow insert needs ${hidden.quoted} among --columns: a new row gets its organisation and project through them.`
  if (allow.includes('update') && updatable({ columns, org, project }).length === 0) {
    return '--allow update leaves nothing to update: organisation and project of a row are not changed by tools, and no other column is opened.'
  }
  return null
}

/** A row stays whose it is. */
export function updatable({ columns, org, project }: Pick<Exposure, 'columns' | 'org' | 'project'>): readonly Column[] {
  return columns.filter(({ name }) => name !== org.name && name !== project?.name)
}

function faultOfView({ table, view }: Exposure, { taken }: Facts): string | null {
  if (taken !== null && !(taken.kind === 'v' && taken.made && taken.overTable)) {
    const what = taken.kind === 'v' ? (taken.made ? 'a view of another table' : 'a view that expose did not make') : 'something else'
    return `The name ${view} is taken by ${what}: choose another with --name, or drop that one first.`
  }
  if (table.rowSecurity && table.forced && !table.ownerBypasses) {
    return `Row-level security is forced on ${table.quoted}, so it holds for the owner of a view, too, who has no tenant there: open it with --as policy.`
  }
  return null
}

function faultOfPolicy({ table }: Exposure): string | null {
  if (table.kind in KINDS) return `${table.quoted} is ${KINDS[table.kind]}, which has no policies: open it with --as view.`
  if (table.rowSecurity) return null
  return `Row-level security is off for ${table.quoted}, and turning it on would hide its rows from everybody for whom there is no policy: that is yours to do. Open it with --as view, which leaves the table as it is.`
}

/** What a view shows is read with the rights of the login that makes it, and policies are the owner's to make. */
function faultOfLogin({ table, as, allow, role }: Exposure, { login, owns, bypasses, may, mayCreate, mayEnter }: Facts): string | null {
  if (as === 'policy') {
    if (!owns) return `The login "${login}" does not own ${table.quoted}, so it cannot make policies for it: connect as ${table.owner}.`
    // PostgreSQL would only warn, and tools would be refused.
    return mayEnter ? null : `The login "${login}" cannot let tools into the schema ${table.quotedSchema}: let its owner run "grant usage on schema ${table.quotedSchema} to ${role};" first.`
  }
  if (!mayCreate) return `The login "${login}" may not make views in the schema ambit_host: connect as its owner, and as a login that may create schemas.`
  const lacking = allow.find((right) => !may.includes(right))
  if (lacking) return `The login "${login}" may not ${lacking} from ${table.quoted}, and a view reads with the rights of its owner: connect as ${table.owner}, or grant it.`
  if (table.rowSecurity && !owns && !bypasses) {
    return `Row-level security of ${table.quoted} holds for the login "${login}", and so for a view of it: connect as ${table.owner}, or open it with --as policy.`
  }
  return null
}
