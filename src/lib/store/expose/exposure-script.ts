import { quoteLiteral } from '../quote-literal.ts'
import type { Right } from './exposure.ts'
import { updatable } from './judge-exposure.ts'
import type { Exposure } from './judge-exposure.ts'
import { orgDefault, projectDefault, scopeClause } from './scope-clause.ts'
import { MADE_BY, POLICIES } from './table-facts.ts'
import type { Column } from './table-facts.ts'

/** The statements, in order: plain SQL, for one transaction. What was opened before is closed first, so they can be run again. */
export function exposureScript(exposure: Exposure): readonly string[] {
  return exposure.as === 'view' ? viewScript(exposure) : policyScript(exposure)
}

function viewScript(exposure: Exposure): readonly string[] {
  const { table, view, org, project, columns, allow, role } = exposure
  const checked = allow.some((right) => right !== 'select') ? '\n  with cascaded check option' : ''
  const ownDefault = (column: Column, value: string) => `alter view ${view} alter column ${column.quoted} set default ${value};`
  return [
    ...(table.openByPolicy ? closePolicies(exposure) : []),
    'create schema if not exists ambit_host;',
    `grant usage on schema ambit_host to ${role};`,
    `drop view if exists ${view};`,
    `create view ${view} with (security_barrier = true) as
  select ${columns.map(({ quoted }) => quoted).join(', ')}
  from ${table.quoted}
  where ${scopeClause(exposure)}${checked};`,
    ...(allow.includes('insert') ? [ownDefault(org, orgDefault(org)), ...(project ? [ownDefault(project, projectDefault(project))] : [])] : []),
    ...grants(exposure, view),
    `comment on view ${view} is ${quoteLiteral(`${MADE_BY}${table.quoted}, by ${[org, ...(project ? [project] : [])].map(({ quoted }) => quoted).join(' and ')}`)};`,
  ]
}

/** Restrictive, because a permissive policy more, such as the host's own for PUBLIC, would only add rows to what is seen; and permissive, because one restricts only what another shows. */
function policyScript(exposure: Exposure): readonly string[] {
  const { table, role, columns, allColumns } = exposure
  const using = `to ${role}\n  using (${scopeClause(exposure)});`
  return [
    ...table.views.map((view) => `drop view if exists ${view};`),
    ...closePolicies(exposure),
    `create policy ${POLICIES.walls} on ${table.quoted} as restrictive ${using}`,
    `create policy ${POLICIES.scope} on ${table.quoted} ${using}`,
    `grant usage on schema ${table.quotedSchema} to ${role};`,
    ...grants(exposure, table.quoted, allColumns ? '' : listed(columns)),
  ]
}

function closePolicies({ table, role }: Exposure): readonly string[] {
  return [
    `drop policy if exists ${POLICIES.walls} on ${table.quoted};`,
    `drop policy if exists ${POLICIES.scope} on ${table.quoted};`,
    `revoke all on ${table.quoted} from ${role};`,
  ]
}

/**
 * Organisation and project are never updated. A row's own policy or check would refuse another organisation; but an insert
 * with "on conflict do update" meets rows that a view does not show, and could make one of them its own.
 */
function grants(exposure: Exposure, on: string, only = ''): readonly string[] {
  const { allow, role } = exposure
  const said: Readonly<Record<Right, string>> = { select: `select${only}`, insert: `insert${only}`, update: `update${listed(updatable(exposure))}`, delete: 'delete' }
  return [`grant ${allow.map((right) => said[right]).join(', ')} on ${on} to ${role};`, ...sequenceGrants(exposure)]
}

/** A serial column takes its values in the name of whoever makes the row. (An identity does not.) */
function sequenceGrants({ table, view, allow, role }: Exposure): readonly string[] {
  const used = (open: boolean) => [...new Set(table.columns.flatMap(({ sequence, sequenceOpen }) => (sequence !== null && (open || sequenceOpen) ? [sequence] : [])))]
  if (allow.includes('insert')) return used(true).map((sequence) => `grant usage on sequence ${sequence} to ${role};`)
  // Another view of the same table may need it.
  return table.views.some((other) => other !== view) ? [] : used(false).map((sequence) => `revoke all on sequence ${sequence} from ${role};`)
}

function listed(columns: readonly Column[]): string {
  return ` (${columns.map(({ quoted }) => quoted).join(', ')})`
}
