import { updatable } from './judge-exposure.ts'
import type { Exposure } from './judge-exposure.ts'

/** What is open to whom after the statements were run, in sentences, one a line. */
export function tellExposure(exposure: Exposure): readonly string[] {
  const { table, as, view, allow } = exposure
  const where = as === 'view' ? `as ${view}` : `as ${table.quoted}, by policies`
  return [
    `Tools may ${wordList(allow)} ${as === 'view' ? `the rows of ${table.quoted} ${where}` : `the rows of ${table.quoted}, under policies`}.`,
    tellRows(exposure),
    ...tellOrphans(exposure),
    ...tellWrites(exposure),
    ...tellReplaced(exposure),
    ...tellRowSecurity(exposure),
    ...tellSpeed(exposure),
  ]
}

function tellRows({ org, project, everyProject }: Exposure): string {
  const ours = `whose ${org.name} is its organisation`
  if (project) return `A scope sees the rows ${ours} and whose ${project.name} is one of its projects.`
  if (everyProject) return `Every scope sees all rows ${ours}: also the scope of a single project, whatever that project is.`
  return `Only the scope of a whole organisation sees rows: those ${ours}. The scope of a single project sees none (--project-column or --every-project opens it).`
}

function tellOrphans({ project }: Exposure): readonly string[] {
  return project && !project.required ? [`A row without a ${project.name} is the organisation's own: only the scope of the whole organisation sees it.`] : []
}

function tellWrites(exposure: Exposure): readonly string[] {
  const { table, as, org, project, allow } = exposure
  const named = [org.name, ...(project ? [project.name] : [])]
  const writes = allow.filter((right) => right !== 'select')
  const filled = project ? `, and a scope of one project that project` : ''
  return [
    ...(allow.includes('insert') && as === 'view' ? [`A new row that names no ${org.name} gets the organisation of the scope${filled}. Another's is refused.`] : []),
    ...(allow.includes('insert') && as === 'policy' ? [`A new row must name its ${named.join(' and ')}. Another's is refused.`] : []),
    ...(allow.includes('update') ? [`${named.join(' and ')} of a row cannot be updated.`] : []),
    ...(writes.length > 0 && table.triggers.length > 0 ? [`Runs as the scoped role, and so with its rights only: the trigger ${table.triggers.join(', ')}.`] : []),
    ...tellKeys(exposure),
  ]
}

/** Keys that a tool can collide with: by a new row, or by an update of one of their columns. */
function tellKeys(exposure: Exposure): readonly string[] {
  const { table, org, project, allow } = exposure
  const updated = allow.includes('update') ? updatable(exposure).map(({ name }) => name) : []
  const met = table.keys.filter(({ columns }) => allow.includes('insert') || columns.some((column) => updated.includes(column)))
  return met.flatMap(({ name, columns }) => {
    if (!columns.includes(org.name)) return [`The key ${name} does not hold ${org.name}: a collision tells that another organisation has such a row.`]
    return project && !columns.includes(project.name) ? [`The key ${name} does not hold ${project.name}: a collision tells that another project has such a row.`] : []
  })
}

function tellReplaced({ table, as }: Exposure): readonly string[] {
  if (as === 'policy' && table.views.length > 0) return [`No longer there: ${table.views.join(', ')}.`]
  return as === 'view' && table.openByPolicy ? [`${table.quoted} itself is no longer open: its policies of Ambit are gone, and its grants.`] : []
}

function tellRowSecurity({ table, as }: Exposure): readonly string[] {
  if (as === 'view') return table.rowSecurity ? [`The policies of ${table.quoted} are not asked by the view, which reads as its owner: its own conditions decide.`] : []
  return table.restrictions.length > 0 ? [`Holds for tools, too, and may hide rows from them: the restrictive policy ${table.restrictions.join(', ')}.`] : []
}

function tellSpeed({ table, org }: Exposure): readonly string[] {
  return org.indexed || !'rp'.includes(table.kind) ? [] : [`No index begins with ${org.name}: each question reads the whole table.`]
}

function wordList(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
