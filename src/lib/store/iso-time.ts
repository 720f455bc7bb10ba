/** A timestamptz column as ISO 8601 in UTC with microseconds: a JavaScript Date would round, and a page would repeat a row. */
export function isoTime(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}
