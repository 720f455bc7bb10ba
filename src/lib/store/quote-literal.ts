/**
 * A text as an SQL string. For statements that take no parameters only (SET, DDL). `E''`, because then a backslash means
 * the same whatever the database's standard_conforming_strings is.
 */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new Error('A NUL character cannot stand in SQL.')
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
