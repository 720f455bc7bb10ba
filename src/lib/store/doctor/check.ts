/** In the order in which they are told. */
export const GROUPS = {
  server: 'Server and schema',
  login: 'The login',
  roles: 'The four roles',
  tables: 'Tables and keys',
  policies: 'Policies',
  grants: 'Grants',
  objects: 'Ways around the policies',
  host: "The host's tables",
  canary: 'Two tenants, tried and taken back',
} as const

/** One thing that must hold. The code is closed: scripts and docs may name it. */
export interface Check<Code extends string = string> {
  readonly code: Code
  readonly group: keyof typeof GROUPS
  /** What holds where nothing is found, as a sentence goes on after "proved:". */
  readonly proves: string
}

/**
 * A check that the catalogue answers. `find` is a query over FACTS, one row per fault: `says` (a sentence) and `mend`
 * (the SQL that mends it, run by the owner of the schema or a superuser; null where no statement can).
 */
export interface CatalogueCheck<Code extends string = string> extends Check<Code> {
  readonly find: string
  /** It compares with lists that this version carries, and cannot judge what a newer version added. */
  readonly listed?: true
}

/** What was found, in a sentence that says what follows from it. */
export interface Finding {
  readonly says: string
  readonly mend: string | null
}
