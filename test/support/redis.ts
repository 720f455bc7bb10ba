import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
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

/** A way to a Redis that weighs what comes back. */
export interface Scale {
  readonly url: string
  /** The most bytes that came in answer to what was sent at once. */
  readonly heaviest: number
  close(): Promise<void>
}

export async function openScale({ port }: Pick<RedisServer, 'port'>): Promise<Scale> {
  const sockets = new Set<Socket>()
  let heaviest = 0
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    let bytes = 0
    client.on('data', (said) => {
      bytes = 0
      upstream.write(said)
    })
    upstream.on('data', (said) => {
      bytes += said.length
      heaviest = Math.max(heaviest, bytes)
      client.write(said)
    })
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => void (sockets.delete(socket), other.destroy()))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get heaviest() {
      return heaviest
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
