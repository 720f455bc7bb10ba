import { CANARY_CHECKS } from './canary.ts'
import type { CatalogueCheck, Check, Finding } from './check.ts'
import { GRANT_CHECKS } from './grant-checks.ts'
import { LOGIN_CHECKS } from './login-checks.ts'
import { HOST_CHECKS, OBJECT_CHECKS } from './object-checks.ts'
import { POLICY_CHECKS } from './policy-checks.ts'
import { ROLE_CHECKS } from './role-checks.ts'
import { OLDEST_SERVER, CONNECTION_CHECKS } from './server-checks.ts'
import { TABLE_CHECKS } from './table-checks.ts'

const SCHEMA_CHECKS = [
  { code: 'server_too_old', group: 'server', proves: `is PostgreSQL ${OLDEST_SERVER} or newer` },
  { code: 'not_migrated', group: 'server', proves: 'the schema is the one that this version was written for' },
] as const satisfies readonly Check[]

export const CATALOGUE_CHECKS = [
  ...CONNECTION_CHECKS, ...LOGIN_CHECKS, ...ROLE_CHECKS, ...TABLE_CHECKS, ...POLICY_CHECKS, ...GRANT_CHECKS, ...OBJECT_CHECKS, ...HOST_CHECKS,
] as const satisfies readonly CatalogueCheck[]

/** Every check there is, in the order in which faults are told and mended. */
export const CHECKS = [...SCHEMA_CHECKS, ...CATALOGUE_CHECKS, ...CANARY_CHECKS] as const

export type FaultCode = (typeof CHECKS)[number]['code']

export interface Fault extends Finding {
  readonly code: FaultCode
}

/** It compares with lists that this version carries. */
export function isListed(check: Check): boolean {
  return 'listed' in check && check.listed === true
}
