import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { arbitrarySketch, worldOf } from './arbitrary-world.ts'
import { answerTo, listRows } from './oracle.ts'
import type { Answer } from './oracle.ts'
import { plantWorlds } from './plant-worlds.ts'
import { seeUnder } from './see-rows.ts'
import { answersOf } from './subject.ts'
import type { Subject } from './subject.ts'
import type { Ask, RawSettings, World } from './tenant-world.ts'

/** Fixed, so that every run asks the same; another number makes other worlds. */
export const SEED = 20_261_122

/** One question, two answers. */
export interface Disagreement {
  readonly world: number
  readonly asked: Ask | RawSettings
  readonly oracle: unknown
  readonly subject: unknown
}

/** The first worlds of the seed. The same number gives the same world, whatever came before it in the database. */
export function drawWorlds(count: number): readonly World[] {
  return fc.sample(arbitrarySketch, { seed: SEED, numRuns: count }).map((sketch, n) => worldOf(sketch, `w${n}`))
}

/** Compares these worlds, which are planted, with the oracle. */
export type Compare = (subject: Subject, worlds: readonly World[]) => Promise<readonly Disagreement[]>

/** What is resolved, what the database then shows, and what Ambit lists of it. */
export const compareAsks: Compare = async (subject, worlds) => compareAnswers(await answersOf(subject, worlds), worlds)

export function compareAnswers(answers: readonly (readonly Answer[])[], worlds: readonly World[]): readonly Disagreement[] {
  return worlds.flatMap((world, n) =>
    world.asks.flatMap((asked, m) => differ({ world: n, asked, oracle: answerTo(world, asked), subject: answers[n]?.[m] })),
  )
}

/** What the database shows under settings that nobody resolved. */
export const compareRaw: Compare = async ({ database }, worlds) => {
  const seen = await database.superuser.transaction('set local role ambit_scoped', (sql) => seeUnder(sql, worlds.map((world) => world.raw)))
  return worlds.flatMap((world, n) =>
    // Settings that cannot be read may be an error or nothing: which of them is the planner's choice.
    differ({ world: n, asked: world.raw, oracle: listRows(world, world.raw), subject: seen[n]?.filter((row) => !row.startsWith('refused ')) }),
  )
}

export function differ(one: Disagreement): readonly Disagreement[] {
  return isDeepStrictEqual(one.oracle, one.subject) ? [] : [one]
}

/** Worlds in the database at a time: with 1,000 of them, a resolve takes half as long again. */
const CHUNK = 250

/** Both. */
export const compareAll: Compare = async (subject, worlds) => [...(await compareAsks(subject, worlds)), ...(await compareRaw(subject, worlds))]

/** Plants and compares, chunk by chunk. A world in which the two differ is drawn again alone and made as small as it can be. */
export async function expectAgreement(subject: Subject, worlds: readonly World[], compare: Compare): Promise<void> {
  for (let first = 0; first < worlds.length; first += CHUNK) {
    const chunk = worlds.slice(first, first + CHUNK)
    await plantWorlds(subject.database.superuser, chunk)
    const [found] = await compare(subject, chunk)
    if (!found) continue
    await expectAgreementAlone(subject, first + found.world, compare)
    throw new Error(`World ${first + found.world} of seed ${SEED} differs among others, and not alone: ${JSON.stringify(found)}`)
  }
}

const SHRINKING_MS = 60_000

async function expectAgreementAlone(subject: Subject, world: number, compare: Compare): Promise<void> {
  const agrees = fc.asyncProperty(arbitrarySketch, async (sketch) => {
    const alone = worldOf(sketch, 'w')
    await plantWorlds(subject.database.superuser, [alone])
    const found = await compare(subject, [alone])
    if (found.length > 0) throw new Error(`The oracle disagrees: ${JSON.stringify({ found, alone }, null, 1)}`)
  })
  await fc.assert(agrees, { seed: SEED, path: String(world), numRuns: 1, interruptAfterTimeLimit: SHRINKING_MS })
}
