/** The four roles begin with it. Roles are the server's and not a database's: two installations on one server choose two. */
export const DEFAULT_ROLE_PREFIX = 'ambit_'

const PREFIX = /^(?!pg_)[a-z][a-z0-9_]{0,40}$/

/** Null where it can be one. It becomes part of SQL text, and of names that PostgreSQL would cut at 63 characters. */
export function faultOfRolePrefix(prefix: string): string | null {
  return PREFIX.test(prefix) ? null : `The role prefix "${prefix}" must begin with a letter and hold at most 41 of a-z 0-9 _; "pg_" is PostgreSQL's own.`
}

/** The same, for whoever has nobody to ask. */
export function demandRolePrefix(prefix: string): string {
  const fault = faultOfRolePrefix(prefix)
  if (fault !== null) throw new Error(fault)
  return prefix
}
