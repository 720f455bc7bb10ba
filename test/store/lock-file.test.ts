import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Lock, type LockRefused, takeLock } from '../../src/lib/store/lock-file.ts'

// The starters are processes of their own: each loads the module, says so, then takes all the paths it is sent and stays alive (a
// winner that exits would be dead for the next). When its parent disconnects, it releases and ends.
const starterSource = `
  const { takeLock } = await import(${JSON.stringify(new URL('../../src/lib/store/lock-file.ts', import.meta.url).href)})
  const held = []
  process.on('message', ({ paths, startAt }) => {
    process.send(
      paths.map((path, index) => {
        while (Date.now() < startAt + 5 * index); // all starters at the same instant, as near as it gets
        const { release, ...answer } = takeLock(path)
        if (release) held.push(release)
        return answer
      }),
    )
  })
  process.on('disconnect', () => held.forEach((release) => release()))
  process.send('loaded')
`

type Answer = Omit<Lock, 'release'> | LockRefused

interface Starter {
  readonly child: ChildProcess
  readonly pid: number
  take(...paths: string[]): Promise<Answer[]>
}

let folder: string
let path: string
let children: ChildProcess[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ambit-lock-'))
  path = join(folder, 'lock')
  children = []
})

afterEach(async () => {
  await Promise.all(children.map(kill))
  rmSync(folder, { recursive: true })
})

async function startStarter(): Promise<Starter> {
  const script = join(folder, 'starter.mjs')
  writeFileSync(script, starterSource)
  const child = fork(script, { execPath: process.execPath, execArgv: [] })
  children.push(child)
  const { pid } = child
  if (pid === undefined) throw new Error('not started')
  await once(child, 'message')
  return {
    child,
    pid,
    async take(...paths) {
      const answer = once(child, 'message')
      child.send({ paths, startAt: Date.now() + 20 })
      const [message] = await answer
      return message
    },
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

function must(lock: Lock | LockRefused): Lock {
  if (!lock.ok) throw new Error(`refused: ${lock.code}`)
  return lock
}

/** A lock file of this very process, with some facts changed. */
function writeStale(changes: Record<string, unknown>): void {
  const lock = must(takeLock(path))
  const text = readFileSync(path, 'utf8')
  lock.release()
  writeFileSync(path, JSON.stringify({ ...JSON.parse(text), ...changes }))
}

function expectOnlyLock(): void {
  expect(readdirSync(folder).filter((name) => name.startsWith('lock'))).toEqual(['lock'])
}

test('a second process is refused and told who holds the lock, until it is released', async () => {
  const [first, second] = await Promise.all([startStarter(), startStarter()])
  expect(await first.take(path)).toEqual([{ ok: true }])
  expect(await second.take(path)).toEqual([{ ok: false, code: 'held', path, pid: first.pid }])
  expectOnlyLock()

  const exit = once(first.child, 'exit')
  first.child.disconnect()
  await exit
  must(takeLock(path)).release()
  expect(readdirSync(folder)).toEqual(['starter.mjs'])
})

test('a second open in the same process is refused', () => {
  const lock = must(takeLock(path))
  expect(takeLock(path)).toEqual({ ok: false, code: 'held', path, pid: process.pid })
  lock.release()
  must(takeLock(path)).release()
})

test('a holder that was killed is taken over', async () => {
  const holder = await startStarter()
  expect(await holder.take(path)).toEqual([{ ok: true }])
  await kill(holder.child)
  must(takeLock(path))
  expectOnlyLock()
})

test('a pid given to another process, or to this one in an earlier life, is not the holder', async () => {
  const other = await startStarter()
  writeStale({ pid: other.pid, started: 'at another time' })
  must(takeLock(path)).release()
  writeStale({ started: 'at another time' })
  must(takeLock(path)).release()
})

test.runIf(process.platform === 'linux')('a lock of an earlier boot is taken over', () => {
  writeStale({ boot: 'an earlier boot' })
  must(takeLock(path)).release()
})

test('what the platform does not tell is no proof of death', () => {
  writeStale({ started: null, boot: null })
  expect(takeLock(path)).toMatchObject({ code: 'held', pid: process.pid })
})

test.for(['', 'not json', 'null', '{"pid":0}', '{"pid":"1"}'])('%j is left for a person to judge', (text) => {
  writeFileSync(path, text)
  expect(takeLock(path)).toEqual({ ok: false, code: 'unreadable', path })
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test('release frees nothing but its own lock', () => {
  const first = must(takeLock(path))
  first.release()
  const second = must(takeLock(path))
  first.release()
  expect(takeLock(path)).toMatchObject({ code: 'held' })

  writeFileSync(path, 'of somebody else')
  second.release()
  expect(readFileSync(path, 'utf8')).toBe('of somebody else')
})

test('a crash in the middle of a takeover is taken over too', () => {
  writeStale({ started: 'at another time' })
  writeFileSync(`${path}.next`, readFileSync(path))
  must(takeLock(path))
  expectOnlyLock()
})

test('a takeover waits for no other takeover: it is refused', () => {
  writeStale({ started: 'at another time' })
  const stale = readFileSync(path)
  const guard = must(takeLock(`${path}.next`))
  expect(takeLock(path)).toMatchObject({ code: 'held', pid: process.pid })
  expect(readFileSync(path)).toEqual(stale)
  guard.release()
  must(takeLock(path))
})

test('of two starters on a stale lock exactly one wins', async () => {
  const starters = await Promise.all([startStarter(), startStarter()])
  writeStale({ started: 'at another time' })
  const races = Array.from({ length: 100 }, (_, race) => join(folder, `lock-${race}`))
  for (const race of races) writeFileSync(race, readFileSync(path))
  const answers = await Promise.all(starters.map((starter) => starter.take(...races)))
  for (const [index, race] of races.entries()) {
    const winners = starters.filter((_, starter) => answers[starter]?.[index]?.ok)
    expect(winners).toHaveLength(1)
    expect(JSON.parse(readFileSync(race, 'utf8'))).toMatchObject({ pid: winners[0]?.pid })
  }
})
