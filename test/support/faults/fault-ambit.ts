import { writeSync } from 'node:fs'
import pg from 'pg'
import { apiKeys, createAmbit, createLog, embeddedStore, namedModel } from '../../../src/index.ts'
import { armFaultPoints } from '../../../src/lib/observe/fault-point.ts'
import { pgDatabase } from '../../../src/pg.ts'
import { faultTools } from './fault-tools.ts'
import type { Armed, NodeOrder, NodeSettings, NodeWord } from './node-process.ts'

/**
 * An Ambit in a process of its own, that kills or stops itself where it is told to. What it says to its parent is written
 * before it goes on, so that nothing of it is lost when it dies. `fault-node.ts` gives it a door; `ambit worker` takes it as it stands.
 */
export const settings = JSON.parse(process.env['FAULT_NODE'] ?? '') as NodeSettings
export const say = (word: NodeWord): void => void writeSync(1, `${JSON.stringify(word)}\n`)

const redis = settings.redisUrl === null ? null : await import('../../../src/redis.ts')
const log = createLog({ level: 'info', destination: process.stderr })
export const pool = settings.storeUrl === null ? null : new pg.Pool({ connectionString: settings.storeUrl, max: 2, connectionTimeoutMillis: 5_000 })
pool?.on('error', () => {}) // a database that is killed takes idle connections with it

export const ambit = createAmbit({
  store: settings.storeUrl ?? embeddedStore(settings.directory ?? ''),
  // Many fleets share one server.
  ...(pool && { connections: 3, database: pgDatabase(pool) }),
  model: namedModel('openai-compatible:scripted', { baseURL: settings.modelUrl, apiKey: 'none' }),
  authenticate: apiKeys(),
  ...(redis && { journal: redis.redisJournal({ url: settings.redisUrl ?? '', log }) }),
  tools: faultTools(settings.ledgerUrl, pool !== null),
  limits: { heartbeatMs: 500, modelFirstMs: 4_000, modelIdleMs: 2_000, modelRetryMs: 50, runMs: 90_000 },
  log,
  node: settings.name,
  drive: settings.drive,
})

let armed: Armed | null = null
let passed = 0
armFaultPoints((point) => {
  if (point !== armed?.point) return
  passed += 1
  if (passed !== armed.passing) return
  say({ hit: point })
  process.kill(process.pid, armed.signal)
})

process.on('message', (order: NodeOrder) => {
  armed = order.arm
  passed = 0
  say({ armed: order.arm?.point ?? null })
})
process.on('disconnect', () => process.exit()) // an orphan holds ports and databases
process.channel?.unref() // a worker that has drained ends
