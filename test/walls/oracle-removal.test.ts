import { describe, expect, test } from 'vitest'
import { searchedKinds } from '../support/databases.ts'
import { SEED, compareAnswers, drawWorlds } from '../support/oracle/agree.ts'
import { answerTo } from '../support/oracle/oracle.ts'
import type { Answer } from '../support/oracle/oracle.ts'
import { plantWorlds } from '../support/oracle/plant-worlds.ts'
import { answersOf, useSubject } from '../support/oracle/subject.ts'
import { listRemovals } from '../support/oracle/take-away.ts'
import type { Removal } from '../support/oracle/take-away.ts'
import type { Ask, World } from '../support/oracle/tenant-world.ts'
import { must } from '../support/stage.ts'

// Taking something away never gives anything: whatever is taken, everybody sees a part of what he saw, at every address.

const WORLDS = 10_000
/** Of these, so many are planted, too. */
const PLANTED = 120

/** Everybody, everywhere. */
function withAllAsks(world: World): World {
  const subjects = [...world.people, 'nobody']
  const targets = world.organisations.flatMap(({ id, slug }) => [
    { org: slug },
    ...world.projects.filter((one) => one.org === id).map((one) => ({ org: slug, project: one.slug })),
  ])
  const asks = subjects.flatMap((subject) => targets.map((target): Ask => ({ who: { subject, kind: 'person' }, target, permission: 'read' })))
  return { ...world, asks }
}

interface Taken {
  readonly before: World
  readonly removal: Removal
}

/** Somebody who sees or may do more. */
interface Surplus extends Taken {
  readonly ask: Ask
  readonly more: readonly string[]
}

/** Each world, and the same with one thing less. */
const taken = drawWorlds(WORLDS).flatMap((drawn, n): Taken[] => {
  const before = withAllAsks(drawn)
  const removals = listRemovals(before)
  return removals.length === 0 ? [] : [{ before, removal: must(removals[n % removals.length])() }]
})

/** What is there after, and was not before. */
function gained(before: Answer | undefined, after: Answer | undefined): readonly string[] {
  const seen = new Set(before?.rows)
  const may = before?.verdict.ok ? before.verdict.may : []
  return [
    ...must(after).rows.filter((row) => !seen.has(row)),
    ...(after?.verdict.ok ? after.verdict.may.filter((one) => !may.includes(one)) : []),
  ]
}

test(`in ${WORLDS} worlds (seed ${SEED}), by the oracle`, () => {
  const kinds = new Map<string, number>()
  const surplus: Surplus[] = []
  let lost = 0
  for (const one of taken) {
    const { before, removal } = one
    kinds.set(removal.what, (kinds.get(removal.what) ?? 0) + 1)
    let isLess = false
    for (const ask of before.asks) {
      const [old, now] = [answerTo(before, ask), answerTo(removal.after, ask)]
      const more = gained(old, now)
      if (more.length > 0) surplus.push({ before, removal, ask, more })
      isLess ||= gained(now, old).length > 0
    }
    if (isLess) lost += 1
  }
  expect(surplus.slice(0, 1)).toEqual([])
  // Not for nothing: each kind of thing was taken, and mostly somebody missed it.
  expect(kinds.size).toBe(8)
  expect(Math.min(...kinds.values())).toBeGreaterThan(WORLDS / 50)
  expect(lost / taken.length).toBeGreaterThan(0.4)
}, 120_000)

describe.each(searchedKinds)(`in the first ${PLANTED} of them on $name`, (kind) => {
  const subject = useSubject(kind)
  const planted = taken.slice(0, PLANTED)

  test('nobody sees more, and all is as the oracle says', async () => {
    const look = async (worlds: readonly World[]) => {
      await plantWorlds(subject.database.superuser, worlds)
      const answers = await answersOf(subject, worlds)
      expect(compareAnswers(answers, worlds)).toEqual([])
      return answers
    }
    const before = await look(planted.map((one) => one.before))
    // The same ids, in the same Ambit: what it had kept of them would show.
    const after = await look(planted.map((one) => one.removal.after))
    const surplus = planted.flatMap((one, n) =>
      one.before.asks.flatMap((ask, m): Surplus[] => {
        const more = gained(before[n]?.[m], after[n]?.[m])
        return more.length === 0 ? [] : [{ ...one, ask, more }]
      }),
    )
    expect(surplus.slice(0, 1)).toEqual([])
  }, 600_000)
})
