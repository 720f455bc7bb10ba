import { execFileSync } from 'node:child_process'
import { linkSync, mkdtempSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The lock of the embedded database. PGlite has none of its own: a second process opens the directory, both write, and
 * acknowledged rows are lost without an error.
 *
 * The file names a process (pid, start time, boot), and is taken over **only from the dead, never by age**: WASM blocks the
 * event loop for seconds, so a heartbeat proves nothing. Who holds it is decided by two operations which are atomic on a local
 * file system:
 *
 *   absent  --link-->    held       `link` fails where the name exists, and shows a file only with all its contents
 *   dead    --rename-->  held       only under the guard `<path>.next`, after reading the dead holder's text once more
 *   held    --unlink-->  absent     only by its holder, while it lives
 *
 * The guard is what keeps two starters from taking over one after the other (the second would replace the first, alive by
 * then). It is a lock of this same kind, so a crash in the middle of a takeover is healed by the same rules, one level up.
 *
 * Everything is synchronous: no other code of this process comes between two steps, and `release` works in an exit hook.
 * Not covered: two containers that mount the directory at the same time do not see each other's processes.
 */
export function takeLock(path: string): Lock | LockRefused {
  const text = JSON.stringify(describeSelf())
  const draft = mkdtempSync(`${path}.`)
  try {
    const mine = join(draft, 'lock')
    // Flushed, since a name that survives a power cut without its contents would be a lock that nobody can judge.
    writeFileSync(mine, text, { flush: true })
    for (;;) {
      if (tryLink(mine, path)) return createLock(path, text)
      const found = readIfPresent(path)
      if (found === null) continue // released between the two lines
      const holder = parseHolder(found)
      if (holder === null) return { ok: false, code: 'unreadable', path }
      if (!isDead(holder)) return { ok: false, code: 'held', path, pid: holder.pid }

      const guard = takeLock(`${path}.next`)
      if (!guard.ok) return guard // somebody alive is taking over
      try {
        if (readIfPresent(path) === found) {
          renameSync(mine, path)
          return createLock(path, text)
        }
      } finally {
        guard.release()
      }
    }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

export interface Lock {
  readonly ok: true
  /** Removes the file where it is still this lock's. A second call does nothing. */
  release(): void
}

export type LockRefused =
  | { readonly ok: false; readonly code: 'held'; readonly path: string; readonly pid: number }
  /** Not written by this module. Whether it protects anything, only a person can tell. */
  | { readonly ok: false; readonly code: 'unreadable'; readonly path: string }

/** `null` where the platform does not tell; what is unknown never counts as a difference. */
interface Holder {
  readonly pid: number
  readonly started: string | null
  readonly boot: string | null
}

function createLock(path: string, text: string): Lock {
  let held = true
  return {
    ok: true,
    release() {
      // The flag, because this process writes the same text each time: a late second release would free its next lock.
      if (held && readIfPresent(path) === text) unlinkSync(path)
      held = false
    },
  }
}

function describeSelf(): Holder {
  return { pid: process.pid, started: lookUp(process.pid)?.started ?? null, boot: bootId() }
}

/**
 * Needs no case for our own pid: with our start time the holder is this process, and a second open in it is refused; with
 * another it is the same pid of a container's earlier life.
 */
function isDead(holder: Holder): boolean {
  if (differ(holder.boot, bootId())) return true
  const running = lookUp(holder.pid)
  return running === null || differ(holder.started, running.started)
}

function differ(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && one !== other
}

/** What the system knows of a process; `null` = there is none. A zombie is none: it waits for its parent and writes nothing. */
function lookUp(pid: number): { started: string | null } | null {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return null // any other answer (EPERM) comes from a process that is there
  }
  const found = process.platform === 'linux' ? readProcStat(pid) : askPs(pid)
  if (found === null) return { started: null }
  return found.state.startsWith('Z') ? null : { started: found.started }
}

interface ProcessState {
  readonly state: string
  readonly started: string
}

/** proc_pid_stat(5): field 2 is a name in brackets that may hold anything, 3 the state, 22 the start in ticks since boot. */
function readProcStat(pid: number): ProcessState | null {
  const stat = readIfPresent(`/proc/${pid}/stat`)
  if (stat === null) return null // hidepid
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const started = rest[18]
  return state === undefined || started === undefined ? null : { state, started }
}

function askPs(pid: number): ProcessState | null {
  try {
    // One clock and one language, whatever the two processes were started with: the answer is compared as text.
    const env = { PATH: '/usr/bin:/bin', TZ: 'UTC', LC_ALL: 'C' }
    const fields = ['-o', 'state=', '-o', 'lstart=', '-p', String(pid)]
    const line = execFileSync('ps', fields, { env, encoding: 'utf8', stdio: 'pipe' })
    const [state, ...started] = line.trim().split(/\s+/)
    return state && started.length > 0 ? { state, started: started.join(' ') } : null
  } catch {
    return null // Windows has no ps: there a pid alone decides
  }
}

function bootId(): string | null {
  return readIfPresent('/proc/sys/kernel/random/boot_id')?.trim() ?? null
}

function parseHolder(text: string): Holder | null {
  try {
    const { pid, started, boot } = JSON.parse(text) as Partial<Record<keyof Holder, unknown>>
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1) return null
    return { pid, started: typeof started === 'string' ? started : null, boot: typeof boot === 'string' ? boot : null }
  } catch {
    return null
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

function readIfPresent(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // ESRCH: a process that ends while its entry in /proc is read.
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return null
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
