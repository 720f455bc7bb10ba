import { afterAll, beforeAll } from 'vitest'
import { apiKeys, firstOf, jwt } from '../../../src/index.ts'
import type { Ambit } from '../../../src/index.ts'
import type { Database } from '../../../src/lib/store/database.ts'
import { connect } from '../../../src/lib/store/open-postgres.ts'
import type { StoreSource } from '../../../src/lib/store/store.ts'
import { startAmbit } from '../client.ts'
import type { LogLine } from '../client.ts'
import type { DatabaseKind, TestDatabase } from '../databases.ts'
import { AUDIENCE, useIssuer } from '../issuer.ts'
import { must } from '../stage.ts'
import { makeCallers } from './callers.ts'
import type { Callers } from './callers.ts'
import { createCanaries } from './canaries.ts'
import type { Canaries } from './canaries.ts'
import { echoModel } from './echo-model.ts'
import type { PlantedThread } from './facts.ts'
import { plantPlaces, takeAway } from './plant.ts'
import type { PlantedPlaces } from './plant.ts'
import { AFTER, BEFORE, plantThreads } from './plant-threads.ts'
import { recorded } from './recorder.ts'

export interface Matrix extends PlantedPlaces {
  readonly database: TestDatabase
  readonly ambit: Ambit
  readonly lines: readonly LogLine[]
  readonly canaries: Canaries
  readonly callers: Callers
  readonly threads: readonly PlantedThread[]
  /** Another Ambit on the same rows, for a superuser, over what `wrap` makes of that. Ends with the file. */
  startOn(wrap: (database: Database) => Database): Ambit
}

const SETUP_MS = 120_000

/** A run that is held is held to the end, on a slow machine too. */
const PATIENT = { modelFirstMs: 1_800_000, modelIdleMs: 1_800_000, modelMs: 1_800_000, runMs: 1_800_000 }

/** The world of the matrix, with everybody's credentials, behind one Ambit that writes down each statement. */
export function useMatrix(kind: DatabaseKind): () => Matrix {
  const issuer = useIssuer()
  const started: Ambit[] = []
  let matrix: Matrix | undefined
  let end = () => {}
  beforeAll(async () => {
    const database = await kind.create()
    const canaries = createCanaries()
    const echo = echoModel(canaries.find)
    end = echo.end
    const authenticate = firstOf(apiKeys(), jwt({ issuer: issuer.url, audience: AUDIENCE, jwksUrl: issuer.jwksUrl }))
    const start = (store: StoreSource) => {
      const running = startAmbit(database, { model: echo.model, authenticate, store, limits: PATIENT })
      started.push(running.ambit)
      return running
    }
    const places = await plantPlaces(database, canaries)
    const { ambit, lines } = start({ open: async () => recorded(await openUnder(database.source)) })
    // Before any request: what a server does by itself is on nobody's tape.
    await ambit.start()
    const planting = { ambit, canaries, keys: places.keys }
    const before = await plantThreads(planting, BEFORE)
    await takeAway(database, places)
    const threads = [...before, ...(await plantThreads(planting, AFTER))]
    const callers = await makeCallers(places.keys, issuer)
    matrix = {
      ...places, database, ambit, lines, canaries, callers, threads,
      startOn: (wrap) => start({ open: async () => ({ ...wrap(database.superuser), close: async () => {} }) }).ambit,
    }
  }, SETUP_MS)
  afterAll(async () => {
    end()
    for (const ambit of started.toReversed()) await ambit.close()
    await matrix?.database.drop()
  }, SETUP_MS)
  return () => must(matrix)
}

/** The same database as a store of its own kind would open it. */
async function openUnder(source: StoreSource): Promise<Database> {
  if (typeof source === 'string') return connect(source, () => {})
  if ('open' in source) return source.open()
  throw new Error('A test database is a URL or is in this process.')
}
