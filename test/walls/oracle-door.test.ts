import { describe, expect, test } from 'vitest'
import { searchedKinds } from '../support/databases.ts'
import { SEED, differ, drawWorlds, expectAgreement } from '../support/oracle/agree.ts'
import type { Compare } from '../support/oracle/agree.ts'
import { askDoor, expectedAtDoor } from '../support/oracle/door-answers.ts'
import type { DoorAnswer, Named } from '../support/oracle/door-answers.ts'
import { judge } from '../support/oracle/oracle.ts'
import { PRINCIPAL, useSubject } from '../support/oracle/subject.ts'
import type { Subject } from '../support/oracle/subject.ts'
import type { Ask, World } from '../support/oracle/tenant-world.ts'

// The same comparison as in oracle.test.ts, through the public door: what a reader is told over HTTP.

const WORLDS = 200

const worlds = drawWorlds(WORLDS)

/** A thread and a run that are asked for by name: of the place itself where it has one, and else of any other. */
function namedIn(world: World, ask: Ask, m: number): Named {
  const verdict = judge(world, { ...ask, permission: 'read' })
  const isHere = (one: { readonly org: string; readonly project: string }) => verdict.ok && one.org === verdict.org && one.project === verdict.home
  const pick = <T extends { readonly org: string; readonly project: string }>(all: readonly T[]): T | undefined => {
    const own = all.filter(isHere)
    return own.length > 0 ? own[m % own.length] : all[m % Math.max(all.length, 1)]
  }
  const thread = pick(world.threads)
  return { thread: (m % 2 === 0 ? thread?.alias : null) ?? thread?.id ?? 't0', run: pick(world.runs)?.id ?? 'r0' }
}

function get(subject: Subject, { who, target }: Ask, path: string): Promise<Response> {
  const project = target.project === undefined ? '' : `/projects/${encodeURIComponent(target.project)}`
  const url = `http://ambit.test/v1/orgs/${encodeURIComponent(target.org)}${project}${path}`
  return subject.ambit.fetch(new Request(url, { headers: { [PRINCIPAL]: JSON.stringify(who) } }))
}

const compareAtDoor: Compare = async (subject, planted) => {
  const found = []
  for (const [n, world] of planted.entries()) {
    for (const [m, ask] of world.asks.entries()) {
      const named = namedIn(world, ask, m)
      const answered = await askDoor((path) => get(subject, ask, path), named)
      found.push(...differ({ world: n, asked: ask, oracle: expectedAtDoor(world, ask, named), subject: answered }))
    }
  }
  return found
}

test(`${WORLDS} worlds (seed ${SEED}) try what they should`, () => {
  const answers = worlds.flatMap((world) => world.asks.flatMap((ask, m) => expectedAtDoor(world, ask, namedIn(world, ask, m))))
  const share = (isCounted: (answer: DoorAnswer) => boolean): number => answers.filter(isCounted).length / answers.length
  expect(share(({ status }) => status === 200)).toBeGreaterThan(0.2)
  expect(share(({ body }) => Array.isArray(body) && body.length > 0)).toBeGreaterThan(0.06)
  // Messages of which one is hidden, and runs whose steps are.
  expect(answers.filter(({ path, body }) => path.endsWith('/messages') && JSON.stringify(body).includes('true')).length).toBeGreaterThan(8)
  expect(answers.filter(({ path, body }) => path.startsWith('/runs/') && JSON.stringify(body).includes('false')).length).toBeGreaterThan(8)
})

describe.each(searchedKinds)(`at the door, in ${WORLDS} worlds (seed ${SEED}) on $name`, (kind) => {
  const subject = useSubject(kind)

  test('a reader is told what the oracle says, and no more', async () => {
    await expectAgreement(subject, worlds, compareAtDoor)
  }, 600_000)
})
