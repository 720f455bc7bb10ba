import type { Log } from '../observe/log.ts'
import { StartError } from '../store/start-error.ts'
import { Disconnected } from './redis-link.ts'

const QUIET_MS = 60_000
/** What follows from a lost connection, which was told when it was lost. */
const AFTERMATH: readonly string[] = [Disconnected.name, 'MaxRetriesPerRequestError']

/** Counts what fails, and says it once per kind and minute: a Redis that is away fails many times a second. */
export type TellTrouble = (error: unknown) => void

export function createTroubles(log: Log, failed: () => void): TellTrouble {
  const told = new Map<string, number>()
  return (error) => {
    const kind = kindOf(error)
    if (AFTERMATH.includes(kind)) return
    failed()
    const now = performance.now()
    if (now - (told.get(kind) ?? -Infinity) < QUIET_MS) return
    told.set(kind, now)
    // The driver hangs a command's arguments on its errors, which are content: only the kind is said.
    if (error instanceof StartError) log.error({ code: kind }, error.message)
    else log.warn({ code: kind }, 'Redis did not take or give live frames: readers on other nodes wait for what is committed')
  }
}

/** Whether the connection is to blame and another one may be better: it hangs, or leads to a copy that may only be read. */
export function needsOtherConnection(error: unknown): boolean {
  return ['TIMEOUT', 'READONLY'].includes(kindOf(error))
}

/** As the server says it (`OOM`, `WRONGTYPE`), or the network (`ECONNREFUSED`). */
export function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN'
  if (error.message === 'Command timed out') return 'TIMEOUT'
  if (error.message === 'Connection is closed.') return 'CLOSED'
  const [said] = /^[A-Z][A-Z]+(?= )/.exec(error.message) ?? []
  const { code } = error as { code?: unknown }
  return said ?? (typeof code === 'string' ? code : error.name)
}
