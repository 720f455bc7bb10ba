import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

/** Which processor a server has to itself, so that neither the load nor the database takes time from it. */
export interface Pinning {
  /** Put before a server's command line; empty where nothing can be pinned. */
  readonly server: readonly string[]
  /** For the report. */
  readonly note: string
}

/** Moves this process, and so all that it starts, off the last processor, which is the servers'. */
export function pin(): Pinning {
  const last = cpus().length - 1
  if (last < 1) return { server: [], note: 'one processor: nothing is pinned' }
  const others = last === 1 ? '0' : `0-${last - 1}`
  const works = ['taskset', '-c', String(last), 'true']
  const moved = runs(works) && runs(['taskset', '-a', '-p', '-c', others, String(process.pid)])
  if (!moved) return { server: [], note: 'no taskset here: nothing is pinned' }
  return { server: ['taskset', '-c', String(last)], note: `server on processor ${last}, upstream, load and database on ${others}` }
}

function runs([command = '', ...rest]: readonly string[]): boolean {
  return spawnSync(command, rest, { stdio: 'ignore' }).status === 0
}
