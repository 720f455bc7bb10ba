import { describe, expect, test } from 'vitest'
import { listTenantTables } from '../support/catalogue.ts'
import { databaseKinds } from '../support/databases.ts'
import { SEED, compareAll, drawWorlds, expectAgreement } from '../support/oracle/agree.ts'
import { TENANT_TABLES } from '../support/oracle/plant-worlds.ts'
import { useSubject } from '../support/oracle/subject.ts'
import { tallyOf } from '../support/oracle/tally.ts'
import type { Tally } from '../support/oracle/tally.ts'

// Both walls against a third opinion: what resolveChatScope answers, what Ambit lists and what the database shows must be
// what loops over the facts of the world say. 10,000 worlds; in each two requests by somebody for something, and
// settings that nothing in Ambit would make.

const WORLDS = 10_000

const worlds = drawWorlds(WORLDS)

const LEAST: Tally = { granted: 0.25, notFound: 0.3, forbidden: 0.05, unavailable: 0.02, seeing: 0.7, privateThreads: 0.15, hiddenAnswers: 0.2, rawSeeing: 0.25 }

test(`${WORLDS} worlds (seed ${SEED}) try what they should`, () => {
  const tally = tallyOf(worlds)
  expect(Object.entries(LEAST).filter(([name, share]) => tally[name as keyof Tally] < share)).toEqual([])
})

/** The policies are the same on both. All worlds are asked of the quicker one; where there is no PostgreSQL, of the other. */
const kinds = databaseKinds.map((kind) => ({ ...kind, worlds: kind.name === 'PostgreSQL' || databaseKinds.length === 1 ? WORLDS : WORLDS / 20 }))

describe.each(kinds)(`in $worlds worlds (seed ${SEED}) on $name`, (kind) => {
  const subject = useSubject(kind)

  test('every tenant table is one of which the oracle says who sees it', async () => {
    // A table that is not: plant its rows (plant-worlds.ts), and say who sees them (oracle.ts).
    expect(await listTenantTables(subject.database.superuser)).toEqual(TENANT_TABLES)
  })

  test('what is resolved, what is listed and what the database shows is what the oracle says', async () => {
    await expectAgreement(subject, worlds.slice(0, kind.worlds), compareAll)
  }, 600_000)
})
