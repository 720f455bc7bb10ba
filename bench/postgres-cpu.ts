import { readFileSync, readdirSync } from 'node:fs'

const TICKS_A_SECOND = 100
const PARENT = 1
const OWN_USER = 11
const REAPED_SYSTEM = 14

/**
 * Microseconds of CPU that a PostgreSQL server has used, its backends included (also those that have ended). Null where
 * there is no /proc, or the server runs elsewhere.
 */
export function postgresCpu(pid: number): number | null {
  const server = isPostgres(pid) ? readStat(String(pid)) : null
  if (!server) return null
  const ticks = (stat: readonly number[]) => stat.slice(OWN_USER, REAPED_SYSTEM + 1).reduce((sum, value) => sum + value, 0)
  const backends = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readStat)
    .filter((stat) => stat !== null)
  const sum = backends.filter((stat) => stat[PARENT] === pid).reduce((total, stat) => total + ticks(stat), ticks(server))
  return (sum * 1_000_000) / TICKS_A_SECOND
}

/** Where the server runs elsewhere, its number here is another process's, or nobody's. */
function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres')
  } catch {
    return false // no such process, or no /proc
  }
}

/** The fields of proc(5) after the name, which may hold anything: state is 0, so utime is 11. Null for what is gone. */
function readStat(pid: string): number[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number)
  } catch {
    return null // it has ended meanwhile
  }
}
