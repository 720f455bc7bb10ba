import type { Column } from './table-facts.ts'

const ORG = "nullif(current_setting('ambit.org_id', true), '')"
const PROJECTS = "nullif(current_setting('ambit.project_ids', true), '')::jsonb"

/** By which columns a row is somebody's. */
export interface ScopeColumns {
  readonly org: Column
  readonly project: Column | null
  readonly everyProject: boolean
}

/** As a column's type is compared with the settings, which are texts. Other types are refused. */
const CASTS: Readonly<Record<string, string>> = { text: '', varchar: '', uuid: '::uuid', int2: '::smallint', int4: '::integer', int8: '::bigint' }

export function isComparable({ type, deterministic }: Column): boolean {
  return type in CASTS && deterministic
}

/**
 * What holds for the rows of a scope. Settings stand in a select of their own, so that they are read once per statement,
 * and it is they that are cast: a cast of the column would lose its index.
 */
export function scopeClause({ org, project, everyProject }: ScopeColumns): string {
  const ours = `${compared(org)} = (select ${ORG}${castOf(org)})`
  if (project === null) return everyProject ? ours : `${ours}\n    and ${OF_ORGANISATION}`
  const named = `${compared(project)} in (${projectsAs(project)})`
  // Without a project a row is the organisation's own.
  return `${ours}\n    and ${project.required ? named : `(${named} or (${project.quoted} is null and ${OF_ORGANISATION}))`}`
}

/**
 * varchar has no equality of its own: somebody's in the search path (`varchar = text`) would be taken before that of text.
 * This cast is none that an index does not bear: PostgreSQL makes it, too.
 */
function compared({ quoted, type }: Column): string {
  return type === 'varchar' ? `${quoted}::text` : quoted
}

/** The scope includes the organisation itself. Not the operator `?`, which many clients take for a parameter. */
const OF_ORGANISATION = `(select ${PROJECTS} @> '["*"]')`

function projectsAs(project: Column): string {
  const cast = castOf(project)
  if (cast === '') return `select jsonb_array_elements_text(${PROJECTS})`
  return `select p${cast} from jsonb_array_elements_text(${PROJECTS}) p where p <> '*'`
}

/** What a new row gets whose organisation is not named. (A default may hold no select.) */
export function orgDefault(org: Column): string {
  return `${ORG}${castOf(org)}`
}

/** The one project of the scope; nothing where there are more, or none. */
export function projectDefault(project: Column): string {
  return `case when jsonb_array_length(${PROJECTS}) = 1 then nullif(${PROJECTS} ->> 0, '*')${castOf(project)} end`
}

function castOf({ type }: Column): string {
  const cast = CASTS[type]
  if (cast === undefined) throw new Error(`A column of the type ${type} was not refused.`)
  return cast
}
