import { subscribe } from 'node:diagnostics_channel'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach } from 'vitest'

/**
 * Nothing global is touched, and ending a thing ends everything it started: each test file is held to that. What keeps the
 * process alive (sockets, servers, timers, children, workers) and who listens on `process` must be, after the last hook of a
 * file, what it was before the file was loaded.
 *
 * Per file and not per test, since `beforeAll` and `onTestFinished` are honest ways to own something. A test that makes a
 * promise about its own end takes `before = listResources()` and says `await expectQuiet(before)`. Unreferenced timers and the
 * idle sockets of `fetch` do not count: they hold nothing up.
 */
export type Resources = ReadonlyMap<string, number>

export function listResources(): Resources {
  const counts = new Map<string, number>([['Worker', workers]])
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  for (const event of process.eventNames()) counts.set(`process.on(${String(event)})`, process.listenerCount(event))
  return counts
}

/** Throws where more is open than was `before`, after waiting for closes that are under way. */
export async function expectQuiet(before: Resources, withinMs = 3_000): Promise<void> {
  const deadline = performance.now() + withinMs
  let leaked = listGrowth(before)
  while (leaked.length > 0 && performance.now() < deadline) {
    await delay(10)
    leaked = listGrowth(before)
  }
  if (leaked.length > 0) throw new Error(`Left open: ${leaked.join(', ')}`)
}

function listGrowth(before: Resources): string[] {
  return [...listResources()]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${kind} (${count}, was ${before.get(kind) ?? 0})`)
}

// Workers are the one kind that `getActiveResourcesInfo` does not list.
let workers = 0
subscribe('worker_threads', (message) => {
  const { worker } = message as { worker: Worker }
  workers++
  worker.once('exit', () => workers--)
})

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))

const atStart = listResources()

async function expectAllHandled(): Promise<void> {
  await nextTurn() // a rejection is found unhandled only when the microtasks of its turn are done
  const reasons = unhandled.splice(0)
  if (reasons.length > 0) throw new AggregateError(reasons, `Unhandled rejection: ${reasons.map(String).join('; ')}`)
}

// The hooks of a setup file are the first to be registered, and these kinds run last first.
afterEach(expectAllHandled)
afterAll(async () => {
  await expectAllHandled()
  await expectQuiet(atStart)
})
