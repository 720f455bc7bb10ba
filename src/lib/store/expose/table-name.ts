/** Taken as it is written: what makes lower case of it is SQL, and not the catalogue. */
export interface TableName {
  /** Null: where the login's search path finds it. */
  readonly schema: string | null
  readonly name: string
}

const PART = '"(?:[^"]|"")+"|[^".]+'
const NAME = new RegExp(`^(?:(${PART})\\.)?(${PART})$`)

/** Null where it cannot be one. */
export function parseTableName(text: string): TableName | null {
  const [, schema, name] = NAME.exec(text) ?? []
  return name === undefined ? null : { schema: schema === undefined ? null : unquoted(schema), name: unquoted(name) }
}

function unquoted(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part
}
