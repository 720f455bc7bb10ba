export const RIGHTS = ['select', 'insert', 'update', 'delete'] as const

export type Right = (typeof RIGHTS)[number]

/** A host's table that shall be opened to tools, as somebody asked for it. */
export interface Wanted {
  /** `orders`, `shop.orders`, `shop."Order items"`: as it is written in the database, upper and lower case included. */
  readonly table: string
  readonly orgColumn: string
  readonly projectColumn: string | null
  /** Without a project column: each project's scope sees all rows of its organisation. */
  readonly everyProject: boolean
  readonly as: 'view' | 'policy'
  /** Of the view; null for that of the table. */
  readonly name: string | null
  /** Null for all. */
  readonly columns: readonly string[] | null
  readonly allow: readonly Right[]
  readonly rolePrefix: string
}

/** Expected, and so a value: what is wrong and what to do, in sentences. */
export interface Refused {
  readonly ok: false
  readonly detail: string
}

export function refused(detail: string): Refused {
  return { ok: false, detail }
}
