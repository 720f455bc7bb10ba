import { beforeAll, describe, expect, test } from 'vitest'
import { OPEN_ROUTES, SCOPED_ROUTES } from '../../src/lib/http/routes.ts'
import type { Database } from '../../src/lib/store/database.ts'
import { mayDo, placesOf, roleAt } from '../support/matrix/facts.ts'
import type { Caller } from '../support/matrix/facts.ts'
import { countsOf, otherStatuses, sightings, unlikeAnswers, unlikeStatements } from '../support/matrix/judge.ts'
import { allRoutes, createCells, isWrite } from '../support/matrix/matrix-cells.ts'
import { performAll } from '../support/matrix/perform.ts'
import type { Cell, Outcome } from '../support/matrix/perform.ts'
import { recorded } from '../support/matrix/recorder.ts'
import { OPEN, ROUTES } from '../support/matrix/routes.ts'
import { changedPlaces, digestPlaces } from '../support/matrix/rows-of-places.ts'
import { sampled, sharedKinds } from '../support/matrix/shares.ts'
import { useMatrix } from '../support/matrix/use-matrix.ts'
import { must } from '../support/stage.ts'

// Every route, from the product's own table × both prefixes × everybody × everything that a path can name, with bodies that
// fit and bodies that do not. What must come of it is said by a second, smaller mind (test/support/matrix/facts.ts).

const MATRIX_MS = 240_000

test('a route that the matrix does not know', () => {
  expect(SCOPED_ROUTES.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(Object.keys(ROUTES).sort())
  expect(OPEN_ROUTES.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(Object.keys(OPEN).sort())
  for (const { method, path, permission, operation, only } of SCOPED_ROUTES) {
    const { facts } = must(allRoutes().find((route) => route.method === method && route.path === path))
    expect([method, path, facts.permission]).toEqual([method, path, permission])
    expect([method, path, facts.only]).toEqual([method, path, only])
    const says = !['GET', 'DELETE'].includes(method)
    expect([method, path, facts.nonsense !== undefined]).toEqual([method, path, says])
    expect([method, path, operation.body !== undefined]).toEqual([method, path, says])
    expect(path.includes(':')).toBe(facts.names !== undefined)
  }
})

describe.each(sharedKinds)('the matrix on $name', ({ kind, share }) => {
  const matrix = useMatrix(kind)
  let outcomes: readonly Outcome[] = []
  /** What a request that must not change anything has changed, and what a caller has changed where he may not. */
  let changedByRefused: readonly string[] = []
  const changedElsewhere: string[] = []
  const changedAtHome: string[] = []

  beforeAll(async () => {
    const { database, idOf } = matrix()
    const began = performance.now()
    const cells = createCells(matrix())
    const all = [
      ...cells.addresses(), ...cells.spellings(), ...cells.strangers(), ...cells.objects(), ...cells.aliases(), ...cells.nonsense(), ...cells.open(), ...cells.otherMethods(),
    ]
    const chosen = sampled(all, share)
    const removals = cells.removals()
    let rows = await digestPlaces(database.superuser, idOf)
    const done = [...(await performAll(matrix(), chosen.filter((cell) => !isWrite(cell))))]
    const after = await digestPlaces(database.superuser, idOf)
    changedByRefused = changedPlaces(rows, after)
    rows = after
    for (const caller of matrix().callers.good) {
      done.push(...(await performAll(matrix(), chosen.filter((cell) => cell.caller === caller && isWrite(cell)))))
      const now = await digestPlaces(database.superuser, idOf)
      for (const place of changedPlaces(rows, now)) (mayWrite(caller, place) ? changedAtHome : changedElsewhere).push(`${caller.name} changed ${place}`)
      rows = now
    }
    done.push(...(await performAll(matrix(), removals)))
    outcomes = done
    const seconds = ((performance.now() - began) / 1_000).toFixed(0)
    process.stdout.write(`matrix on ${kind.name}: ${outcomes.length} of ${all.length + removals.length} requests, ${seconds} s, ${JSON.stringify(countsOf(outcomes))}\n`)
  }, MATRIX_MS)

  const mayWrite = (caller: Caller, place: string) => {
    const role = roleAt(caller, place)
    return role !== null && mayDo(role, 'write')
  }

  const ofStatus = (status: number) => outcomes.filter(({ answer }) => answer.status === status)

  test('every status is the one that the rules say', () => {
    expect(otherStatuses(outcomes)).toEqual([])
  })

  test('foreign, private, deleted and absent are one 404, byte for byte', () => {
    expect(ofStatus(404).length).toBeGreaterThan(1_000 * share)
    expect(unlikeAnswers(ofStatus(404), () => 'not found')).toEqual([])
  })

  test('who cannot be told is one 401, wherever and whatever is asked', () => {
    expect(ofStatus(401).length).toBeGreaterThan(400 * share)
    expect(unlikeAnswers(ofStatus(401), () => 'unauthenticated')).toEqual([])
  })

  test('a malformed body is the same 400 whoever sends it, wherever, and whatever it is about', () => {
    const malformed = outcomes.filter(({ cell }) => cell.part === 'nonsense')
    expect(malformed.length).toBeGreaterThan(400 * share)
    expect(otherStatuses(malformed)).toEqual([])
    expect(unlikeAnswers(malformed)).toEqual([])
  })

  test('what cannot be seen is answered alike', () => {
    expect(unlikeAnswers(outcomes)).toEqual([])
  })

  test('what cannot be seen is looked for alike: by the same statements, as often', () => {
    expect(outcomes.filter(({ cell, statements }) => cell.sameStatements !== undefined && statements.length > 0).length).toBeGreaterThan(1_000 * share)
    expect(unlikeStatements(outcomes)).toEqual([])
  })

  test('nobody is shown, and no model is told, what is not theirs', () => {
    expect(sightings(outcomes)).toEqual([])
    const heard = outcomes.filter(({ answer }) => answer.body.includes('CNRY'))
    const told = outcomes.flatMap(({ prompts }) => prompts)
    expect([heard.length > 100 * share, told.length > 30 * share]).toEqual([true, true])
    for (const prompt of told) expect(prompt).toContain('CNRY')
  })

  test('no line of the log holds what was said', () => {
    const { lines } = matrix()
    expect(lines.length).toBeGreaterThan(outcomes.length / 2)
    expect(lines.filter((line) => JSON.stringify(line).includes('CNRY')).map((line) => JSON.stringify(line))).toEqual([])
    expect(lines.filter((line) => line['level'] === 50).map((line) => JSON.stringify(line))).toEqual([])
  })

  test('what is refused or read changes no row of anybody', () => {
    expect(changedByRefused).toEqual([])
  })

  test('what is served changes rows where the caller may write, and nowhere else', () => {
    expect(changedElsewhere).toEqual([])
    for (const place of ['acme', 'acme/apollo', 'acme/zephyr', 'globex']) expect(changedAtHome.filter((line) => line.endsWith(` ${place}`))).not.toEqual([])
  })

  test('the runs that are under way are so still', async () => {
    const { database, threads } = matrix()
    const { rows } = await database.superuser.transaction('', (sql) => sql.query<{ id: string }>("select id from ambit.runs where state = 'running' and not stop_requested"))
    expect(rows.map(({ id }) => id).sort()).toEqual(threads.filter(({ live }) => live).map(({ run }) => run).sort())
  })

  test('the server answers as before', async () => {
    expect(outcomes.filter(({ answer }) => answer.status >= 500).map(({ cell }) => cell.path)).toEqual([])
    const cells = createCells(matrix()).addresses().filter(({ caller, at }) => caller.name === 'bob@acme' && at === 'acme/apollo')
    const again = await performAll(matrix(), cells, 1)
    expect(otherStatuses(again)).toEqual([])
    expect(again.map(({ answer }) => answer.status)).toContain(200)
  })

  test('everybody who is at home somewhere is served there, and every route serves somebody', () => {
    const served = outcomes.filter(({ answer }) => answer.status < 300)
    const { good } = matrix().callers
    for (const caller of good) {
      expect([caller.name, served.some(({ cell }) => cell.caller === caller && cell.at !== null)]).toEqual([caller.name, placesOf(caller).length > 0])
    }
    for (const [part, { requests, served: count }] of Object.entries(countsOf(outcomes))) {
      expect([part, requests > 0, count > 0]).toEqual([part, true, !['stranger', 'nonsense', 'method'].includes(part)])
    }
    for (const [name, { spared = false, only }] of Object.entries(ROUTES)) {
      const [method, path = ''] = name.split(' ')
      const pattern = new RegExp(`${only === 'project' ? '/projects/[^/]+' : '/orgs/[^/]+(/projects/[^/]+)?'}${path.replace(/:thread|:run|:document|:file|:person|:key/, '[^/]+')}$`)
      const statuses = new Set(outcomes.filter(({ cell }) => cell.method === method && pattern.test(cell.path)).map(({ answer }) => answer.status))
      expect([name, [...statuses].filter((status) => [401, 404].includes(status)).sort(), [...statuses].some((status) => status < 300)]).toEqual([name, [401, 404], !spared])
    }
  })

  // A judge who never finds anything is none: each is shown what he is there for. These are the last, for they open the rows
  // to another Ambit.
  describe('finds', () => {
    /** Reads in acme, and looks for documents with a model that tells all it hears. */
    const some = (): readonly Cell[] => {
      const cells = createCells(matrix())
      return cells.addresses().filter(({ caller, at, method, path }) => caller.name === 'bob@acme' && ['acme', 'acme/zephyr', 'globex', null].includes(at) && (method === 'GET' || path.endsWith('/chat')))
    }

    test('a database on which nobody put on the role that it is walled for', async () => {
      const open = (database: Database): Database => ({ ...database, transaction: (preamble, work) => database.transaction(preamble.replace(/set local role "\w+";/, ''), work) })
      const found = await performAll({ ...matrix(), ambit: matrix().startOn((database) => recorded(open(database))) }, some(), 1)
      const leaked = found.flatMap((outcome) => outcome.sightings).join('\n')
      expect(leaked).toMatch(/CNRY-globex-.* in the answer/)
      expect(leaked).toMatch(/CNRY-globex-.* in a prompt/)
    })

    test('an answer that says more where there is something', async () => {
      const { ambit, canaries, idOf } = matrix()
      const canary = canaries.mint('globex', { of: 'organisation', org: 'globex' })
      const chatty = {
        async fetch(request: Request) {
          const response = await ambit.fetch(request)
          const exists = request.url.includes('/orgs/globex/')
          return response.status === 404 && exists ? new Response(`Not yours: ${canary} of ${idOf('globex')}`, response) : response
        },
      }
      const found = await performAll({ canaries, ambit: chatty }, some())
      expect(sightings(found).join('\n')).toContain(`${canary} in the answer`)
      expect(sightings(found).join('\n')).toContain(`${idOf('globex')} in the answer`)
      expect(unlikeAnswers(found.filter(({ answer }) => answer.status === 404), () => 'not found')).not.toEqual([])
    })

    test('a look-up that asks once more where there is something', async () => {
      const curious = (database: Database): Database => ({
        ...database,
        transaction: (preamble, work) =>
          database.transaction(preamble, (sql) =>
            work({
              ...sql,
              async query<Row>(text: string, values?: readonly unknown[]) {
                if (values?.includes('zephyr')) await sql.query('select 1')
                return sql.query<Row>(text, values)
              },
            }),
          ),
      })
      const found = await performAll({ ...matrix(), ambit: matrix().startOn((database) => curious(recorded(database))) }, createCells(matrix()).addresses().filter(({ caller, status }) => caller.name === 'bob@acme' && status === 404))
      expect(unlikeStatements(found).join('\n')).toContain('zephyr')
    })
  })
})
