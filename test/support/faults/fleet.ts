import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { inject } from 'vitest'
import { openUnproved } from '../../../src/lib/store/embedded-store.ts'
import { openHandles } from '../../../src/lib/store/handles.ts'
import { pgliteDatabase } from '../../../src/lib/store/pglite-database.ts'
import { databaseKinds } from '../databases.ts'
import type { TestDatabase } from '../databases.ts'
import { must } from '../stage.ts'
import { plantWorld } from '../world.ts'
import type { World } from '../world.ts'
import { startEffectLedger } from './effect-ledger.ts'
import type { EffectLedger } from './effect-ledger.ts'
import { BOOKINGS } from './fault-tools.ts'
import { startNode, startWorker } from './node-process.ts'
import type { NodeProcess, NodeSettings } from './node-process.ts'
import type { ActName } from './plan.ts'
import { readRecord } from './record.ts'
import type { Recorded } from './record.ts'
import { startScriptedLlm } from './scripted-llm.ts'
import type { ScriptedLlm } from './scripted-llm.ts'

export type StoreName = 'PGlite' | 'PostgreSQL' | 'PostgreSQL and Redis'

/** Nodes over one store, with a model and a ledger of effects that outlive them. */
export interface Fleet {
  readonly store: StoreName
  readonly world: World
  readonly llm: ScriptedLlm
  readonly ledger: EffectLedger
  /** The tools that its nodes have. */
  readonly acts: readonly ActName[]
  /** Those with a door. */
  readonly nodes: readonly NodeProcess[]
  /** Those that drive and have none. Where there are some, the nodes drive nothing. */
  readonly workers: readonly NodeProcess[]
  /** Past every wall; absent where only one process can open the store. */
  readonly database: TestDatabase | null
  /** Starts again what has died. */
  revive(): Promise<void>
  /** What is recorded of these threads. An embedded store is taken from its node meanwhile. */
  record(threads: readonly string[]): Promise<Recorded>
  close(): Promise<void>
}

export interface FleetOptions {
  readonly store: StoreName
  readonly redisUrl?: string
  /** The database as its nodes reach it: through a proxy that can fail. */
  readonly through?: (url: string) => string
  /** On a server of the test's own. */
  readonly database?: TestDatabase
  readonly graceMs?: number
  /** As many as are named; none: the nodes drive. */
  readonly workers?: readonly string[]
}

interface Ground {
  readonly settings: Pick<NodeSettings, 'storeUrl' | 'directory'>
  readonly world: World
  readonly database: TestDatabase | null
  readonly names: readonly string[]
  record(threads: readonly string[]): Promise<Recorded>
  clear(): Promise<void>
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { store, redisUrl = null, graceMs = 0, workers: workerNames = [] } = options
  const ground = store === 'PGlite' ? await embeddedGround() : await serverGround(options)
  const [llm, ledger] = [await startScriptedLlm(), await startEffectLedger()]
  const drive = workerNames.length > 0 ? 'elsewhere' : 'here'
  const settings = { ...ground.settings, redisUrl, modelUrl: llm.baseURL, ledgerUrl: ledger.url, port: 0, graceMs, drive } as const
  const nodes: NodeProcess[] = []
  const workers: NodeProcess[] = []
  const end = (node: NodeProcess) => (node.alive ? node.kill() : Promise.resolve())
  const close = async () => {
    await Promise.all([...nodes, ...workers].map(end))
    await ledger.close()
    await llm.close()
    await ground.clear()
  }
  try {
    for (const name of ground.names) nodes.push(await startNode({ ...settings, name }))
    for (const name of workerNames) workers.push(await startWorker({ ...settings, name }))
  } catch (error) {
    await close()
    throw error
  }
  const revive = async () => {
    for (const [index, { alive, name }] of nodes.entries()) if (!alive) nodes[index] = await startNode({ ...settings, name })
    for (const [index, { alive, name }] of workers.entries()) if (!alive) workers[index] = await startWorker({ ...settings, name })
  }
  return {
    store, llm, ledger, nodes, workers, revive,
    world: ground.world,
    database: ground.database,
    acts: store === 'PGlite' ? ['look', 'act', 'pay'] : ['look', 'act', 'pay', 'book'],
    async record(threads) {
      if (ground.database) return ground.record(threads)
      await must(nodes[0]).drain()
      const recorded = await ground.record(threads)
      await revive()
      return recorded
    },
    close,
  }
}

/** Two nodes on one database of a PostgreSQL server. */
async function serverGround({ database: given, through = (url) => url }: FleetOptions): Promise<Ground> {
  const database = given ?? (await must(databaseKinds.find((kind) => kind.name === 'PostgreSQL')).create())
  const world = await plantWorld(database.handles)
  await database.superuser.transaction('', (sql) => sql.script(BOOKINGS))
  if (typeof database.source !== 'string') throw new Error('A PostgreSQL URL was expected.')
  return {
    settings: { storeUrl: through(database.source), directory: null },
    world,
    database,
    names: ['north', 'south'],
    record: (threads) => readRecord(database.superuser, threads),
    clear: database.drop,
  }
}

/** One node on a directory, which it must let go before anybody else looks into it. */
async function embeddedGround(): Promise<Ground> {
  const directory = await mkdtemp(join(tmpdir(), 'ambit-faults-'))
  const template = new Blob([await readFile(inject('pgliteTemplate'))])
  const database = pgliteDatabase(await PGlite.create({ dataDir: join(directory, 'database'), loadDataDir: template }))
  const world = await plantWorld(openHandles(database))
  await database.close()
  return {
    settings: { storeUrl: null, directory },
    world,
    database: null,
    names: ['alone'],
    async record(threads) {
      const opened = await openUnproved(directory)
      try {
        return await readRecord(opened, threads)
      } finally {
        await opened.close()
      }
    },
    clear: () => rm(directory, { recursive: true, force: true }),
  }
}
