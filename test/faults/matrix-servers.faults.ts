import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { askTogether } from '../support/faults/ask-together.ts'
import { look } from '../support/faults/cell.ts'
import { startFleet } from '../support/faults/fleet.ts'
import type { Fleet } from '../support/faults/fleet.ts'
import { startKillablePostgres } from '../support/faults/own-postgres.ts'
import type { OwnPostgres } from '../support/faults/own-postgres.ts'
import type { Plan } from '../support/faults/plan.ts'
import { startRedis } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'

const AWAY_MS = 5_000

describe.skipIf(inject('postgresUrl') === '' || process.platform !== 'linux')('PostgreSQL in mid-run', () => {
  let postgres: OwnPostgres
  let proxy: FaultProxy
  let fleet: Fleet
  beforeAll(async () => {
    postgres = await startKillablePostgres()
    const { source } = postgres.database
    if (typeof source !== 'string') throw new Error('A PostgreSQL URL was expected.')
    proxy = await startFaultProxy(source)
    fleet = await startFleet({ store: 'PostgreSQL', database: postgres.database, through: (url) => proxy.through(url) })
  })
  afterAll(async () => {
    await fleet?.close()
    await proxy?.close()
    await postgres?.close()
  })

  const faults: Readonly<Record<string, () => Promise<void>>> = {
    'killed, and started again': async () => {
      await postgres.kill()
      await postgres.start()
    },
    'killed, and started again when the leases are over': async () => {
      await postgres.kill()
      await pause(2 * AWAY_MS)
      await postgres.start()
    },
    'paused for 5 s': async () => {
      postgres.pause()
      await pause(AWAY_MS)
      postgres.goOn()
    },
    'cut off from all nodes once': async () => proxy.cut(),
    'refusing connections for 5 s': async () => {
      await proxy.refuse()
      await pause(AWAY_MS)
      await proxy.pass()
    },
    'silent for 5 s, and every connection to it half-open': async () => {
      proxy.hang()
      await pause(AWAY_MS)
      await proxy.pass()
    },
  }
  test.each(Object.entries(faults))('%s', async (name, fail) => {
    expect(await failInMidRun(fleet, name, fail)).toEqual([])
  })
})

describe.skipIf(inject('postgresUrl') === '')('Redis in mid-run', () => {
  let redis: RedisServer | null
  let proxy: FaultProxy
  let fleet: Fleet
  beforeAll(async () => {
    redis = await startRedis()
    if (!redis) return
    proxy = await startFaultProxy(redis.url)
    fleet = await startFleet({ store: 'PostgreSQL and Redis', redisUrl: proxy.through(redis.url) })
  })
  afterAll(async () => {
    await fleet?.close()
    await proxy?.close()
    await redis?.stop()
  })

  const faults: Readonly<Record<string, (server: RedisServer) => Promise<void>>> = {
    'killed, and started again, empty': (server) => server.restart(),
    'killed, and away for 5 s': async (server) => {
      await server.kill()
      await pause(AWAY_MS)
      await server.restart()
    },
    'paused for 5 s': async (server) => {
      server.signal('SIGSTOP')
      await pause(AWAY_MS)
      server.signal('SIGCONT')
    },
    'cut off from all nodes once': async () => proxy.cut(),
    'silent for 5 s, and every connection to it half-open': async () => {
      proxy.hang()
      await pause(AWAY_MS)
      await proxy.pass()
    },
  }
  test.for(Object.entries(faults))('%s', async ([name, fail], { skip }) => {
    if (!redis) return skip('there is no Redis here')
    const server = redis
    expect(await failInMidRun(fleet, `redis-${name}`, () => fail(server))).toEqual([])
  })
})

/** Four questions are being answered when a server fails that all nodes need. No node ends of it; answers what was lost. */
async function failInMidRun(fleet: Fleet, name: string, fail: () => Promise<void>): Promise<readonly string[]> {
  const plans = Array.from({ length: 4 }, (_, index) => slowPlan(`${name.replaceAll(/\W+/g, '-')}-${index}`))
  const asked = askTogether(fleet, { plans, at: (index) => index })
  for (const plan of plans) await vi.waitFor(() => expect(fleet.llm.words(plan.id, 1)).toBeGreaterThan(2), { timeout: 20_000 })
  await fail()
  const histories = await asked.histories
  expect(fleet.nodes.map((node) => node.alive)).toEqual([true, true])
  for (const node of fleet.nodes) await vi.waitFor(async () => expect((await fetch(`${node.url}/health/ready`)).status).toBe(200), { timeout: 10_000 })
  return look(fleet, histories, asked.threads)
}

/** Two calls that act, and some seconds in which to fail. */
function slowPlan(id: string): Plan {
  return { id, steps: [{ words: 20, calls: ['act', 'book'] }, { words: 20, calls: ['pay'] }, { words: 20, calls: [] }], paceMs: 60 }
}
