import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { runKey } from '../../src/lib/journal/redis-keys.ts'
import type { Position } from '../../src/lib/journal/journal.ts'
import { startRedis } from './redis-server.ts'
import type { RedisServer } from './redis-server.ts'

/** A Redis of this test file's own, and a client to do to it what administrators and accidents do. */
export interface TestRedis {
  readonly server: RedisServer
  readonly admin: Redis
  /** The ids of the entries of a run's stream. */
  idsOf(runId: string): Promise<readonly string[]>
}

/** Null: there is no Redis, which `startRedis` has said loudly. */
export async function openTestRedis(options: readonly string[] = []): Promise<TestRedis | null> {
  const server = await startRedis(options)
  if (!server) return null
  const admin = new Redis(server.url, { lazyConnect: true, retryStrategy: () => 50, maxRetriesPerRequest: 50 })
  admin.on('error', () => {}) // it is killed here on purpose
  return { server, admin, idsOf: async (runId) => (await admin.xrange(runKey('ambit', runId), '-', '+')).map(([id]) => id) }
}

/** The same from before the first test of a file to after its last. */
export function useTestRedis(found: TestRedis | null): TestRedis {
  beforeAll(() => found?.admin.connect())
  afterAll(async () => {
    found?.admin.disconnect()
    await found?.server.stop()
  })
  return found ?? ({} as TestRedis)
}

/** Waits until the streams end where the writer does. */
export async function untilPublished({ admin }: TestRedis, last: ReadonlyMap<string, Position>): Promise<void> {
  for (const [runId, { fence, seq }] of last) {
    for (;;) {
      const [top] = await admin.xrevrange(runKey('ambit', runId), '+', '-', 'COUNT', 1)
      if (top?.[0] === `${fence}-${seq}`) break
    }
  }
}
