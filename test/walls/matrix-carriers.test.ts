import { beforeAll, describe, expect, test } from 'vitest'
import type { Manifest } from '../../src/index.ts'
import { parseStream } from '../support/client.ts'
import { createCarrierCells } from '../support/matrix/carrier-cells.ts'
import { placesOf, seesThread } from '../support/matrix/facts.ts'
import type { Caller, PlaceName } from '../support/matrix/facts.ts'
import { countsOf, otherStatuses, sightings, unlikeAnswers, unlikeKindsOfStatements, unlikeStatements } from '../support/matrix/judge.ts'
import { performAll } from '../support/matrix/perform.ts'
import type { Cell, Outcome } from '../support/matrix/perform.ts'
import { addressOf } from '../support/matrix/plant-threads.ts'
import { changedPlaces, digestPlaces } from '../support/matrix/rows-of-places.ts'
import { sampled, sharedKinds } from '../support/matrix/shares.ts'
import { hostileCalls, outcomesOf } from '../support/matrix/tool-calls.ts'
import { useMatrix } from '../support/matrix/use-matrix.ts'
import { must } from '../support/stage.ts'

// The ways by which a request could name a tenant, a person or a thing beside its path: bodies, queries, headers, cookies,
// cursors, event ids, and the arguments of tools. Scope comes from the credential and the address, and from nothing else.

const CARRIERS_MS = 120_000

type Listed = Readonly<Record<string, unknown>> & { readonly id: string; readonly created_at: string }

describe.each(sharedKinds)('what is carried beside the path, on $name', ({ kind, share }) => {
  const matrix = useMatrix(kind)
  let cells: ReturnType<typeof createCarrierCells>
  const outcomes: Outcome[] = []
  beforeAll(() => {
    cells = createCarrierCells(matrix())
  })

  /** Also holds what must hold of everything: the statuses, the canaries, and likeness where it is promised. */
  async function expectAlike(some: readonly Cell[], atATime?: number): Promise<readonly Outcome[]> {
    const found = await performAll(matrix(), some, atATime)
    outcomes.push(...found)
    expect(otherStatuses(found)).toEqual([])
    expect(sightings(found)).toEqual([])
    expect(unlikeAnswers(found)).toEqual([])
    return found
  }

  const served = (found: readonly Outcome[]) => found.filter(({ answer }) => answer.status < 300).length
  const get = (caller: Caller, at: PlaceName, path: string): Cell => ({ part: 'list', caller, method: 'GET', path: addressOf(at) + path, at, status: 200 })

  /** A whole list, page by page. */
  async function listAll(caller: Caller, at: PlaceName, list: 'threads' | 'runs'): Promise<readonly Listed[]> {
    const items: Listed[] = []
    let next: string | null = ''
    while (next !== null) {
      const [found] = await expectAlike([get(caller, at, `/${list}?limit=4${next === '' ? '' : `&after=${next}`}`)])
      const page = JSON.parse(must(found).answer.body) as { next: string | null } & Record<typeof list, Listed[]>
      items.push(...page[list])
      next = page.next
    }
    return items
  }

  test('lists show what can be got, get serves what is listed, and both are what the rules say', async () => {
    const { callers, threads } = matrix()
    for (const caller of callers.good.filter((_, index) => share === 1 || index % 3 === 0)) {
      for (const place of placesOf(caller)) {
        const seen = threads.filter((thread) => seesThread(caller, place, thread))
        for (const list of ['threads', 'runs'] as const) {
          const listed = await listAll(caller, place, list)
          const expected = seen.map(({ id, run }) => (list === 'runs' ? run : id))
          expect([caller.name, place, list, listed.map(({ id }) => id).sort()]).toEqual([caller.name, place, list, expected.sort()])
          const got = await expectAlike(listed.map(({ id }) => get(caller, place, `/${list}/${id}`)))
          expect(got.map(({ answer }) => JSON.parse(answer.body) as unknown)).toEqual(listed.map((item) => expect.objectContaining(item) as unknown))
        }
      }
    }
  }, CARRIERS_MS)

  test('a credential in another spelling is the same credential', async () => {
    const found = await expectAlike(sampled(cells.spelledCredentials(), share))
    expect(unlikeStatements(found)).toEqual([])
    expect(served(found)).toBeGreaterThan(100 * share)
  }, CARRIERS_MS)

  test('a credential anywhere else is none', async () => {
    const found = await expectAlike(sampled(cells.hiddenCredentials(), share))
    expect(unlikeStatements(found)).toEqual([])
    expect(served(found)).toBe(0)
  }, CARRIERS_MS)

  test('another’s credential beside the own one is nothing', async () => {
    const found = await expectAlike(sampled(cells.twoCredentials(), share))
    expect(unlikeStatements(found)).toEqual([])
    expect(served(found)).toBeGreaterThan(100 * share)
  }, CARRIERS_MS)

  test('a header, a host, a cookie or a query names no tenant and nobody', async () => {
    const found = await expectAlike(sampled(cells.namingTenants(), share))
    expect(unlikeStatements(found)).toEqual([])
    expect(served(found)).toBeGreaterThan(100 * share)
  }, CARRIERS_MS)

  test('the name of a request is repeated where it can be one, and means nothing', async () => {
    const pairs = cells.requestIds().filter((_, index) => index % 5 === 0)
    const usual = await expectAlike(pairs.map(([cell]) => cell))
    const named = await expectAlike(pairs.map(([, cell]) => cell))
    const nameless = ({ answer }: Outcome) => JSON.stringify(answer).replaceAll(must(answer.headers['x-request-id']), 'its name')
    expect(named.map(nameless)).toEqual(usual.map(nameless))
    const repeated = named.map(({ cell, answer }, index) => [cell.path, answer.headers['x-request-id'] === must(pairs[index])[2]])
    expect(repeated).toEqual(pairs.map(([, { path }, id]) => [path, /^[\w.:-]{1,128}$/.test(id)]))
  }, CARRIERS_MS)

  test('the runs of a thread of others are those of a thread that never was', async () => {
    const found = await expectAlike(cells.runsOfThreads())
    expect(unlikeStatements(found)).toEqual([])
    expect(new Set(found.map(({ answer }) => answer.body))).toEqual(new Set(['{"runs":[],"next":null}']))
    expect(found.length).toBeGreaterThan(20)
  }, CARRIERS_MS)

  test('a cursor of a list of others is a position, like one of a thing that never was', async () => {
    const { callers, threads } = matrix()
    const moments: { at: string; id: string }[] = []
    for (const [name, place] of [['gus@globex', 'globex/zephyr'], ['hana@globex', 'globex/apollo'], ['zoe@acme', 'acme/zephyr'], ['ada@acme', 'acme']] as const) {
      const caller = must(callers.good.find((one) => one.name === name))
      const run = must(threads.find((thread) => seesThread(caller, place, thread) && !thread.live)).run
      const [found] = await expectAlike([get(caller, place, `/runs/${run}`)])
      const { id, created_at: at } = JSON.parse(must(found).answer.body) as Listed
      moments.push({ at, id })
    }
    const found = await expectAlike(cells.cursors(moments))
    expect(unlikeStatements(found)).toEqual([])
    expect(served(found)).toBe(found.length)
  }, CARRIERS_MS)

  test('a run named by an event id or by a stop is one of this thread, or none', async () => {
    const before = await digestPlaces(matrix().database.superuser, matrix().idOf)
    const found = await expectAlike(sampled(cells.runsElsewhere(), share))
    expect(unlikeStatements(found)).toEqual([])
    expect(changedPlaces(before, await digestPlaces(matrix().database.superuser, matrix().idOf))).toEqual([])
    expect(new Set(found.map(({ answer }) => answer.status))).toEqual(new Set([200, 400, 404]))
    for (const { cell, answer } of found.filter((one) => one.cell.part === 'stop')) expect([cell.path, JSON.parse(answer.body)]).toEqual([cell.path, { run: null, state: 'idle' }])
  }, CARRIERS_MS)

  test('a chat that is refused for what it names is refused like one that names what never was, and changes nothing', async () => {
    const before = await digestPlaces(matrix().database.superuser, matrix().idOf)
    const found = await expectAlike(sampled(cells.refusedChats(), share))
    expect(unlikeStatements(found)).toEqual([])
    expect(changedPlaces(before, await digestPlaces(matrix().database.superuser, matrix().idOf))).toEqual([])
  }, CARRIERS_MS)

  test('a chat that is served is the caller’s own, whatever it names', async () => {
    const { database, idOf } = matrix()
    const before = await digestPlaces(database.superuser, idOf)
    const chats = cells.servedChats()
    const found = await expectAlike(chats)
    expect(unlikeKindsOfStatements(found)).toEqual([])
    const homes = new Set(chats.map(({ at }) => at))
    expect(new Set(changedPlaces(before, await digestPlaces(database.superuser, idOf)))).toEqual(homes)
    expect(found.flatMap(({ prompts }) => prompts).filter((prompt) => prompt.includes('FORGED'))).toEqual([])
    expect(found.filter(({ prompts, answer }) => prompts.length === 0 || !answer.body.includes('I was told: CNRY')).map(({ cell }) => cell.path)).toEqual([])
  }, CARRIERS_MS)

  test('an Idempotency-Key is its owner’s at one address: whoever else sends it, or any name, asks for something of his own', async () => {
    const { database, idOf, threads } = matrix()
    const before = await digestPlaces(database.superuser, idOf)
    const found = await expectAlike(cells.keyedChats())
    expect(unlikeKindsOfStatements(found)).toEqual([])
    const runs = found.map(({ answer }) => must(answer.headers['x-resumable-stream-id']))
    expect(new Set(runs).size).toBe(found.length)
    expect(runs.filter((run) => threads.some((thread) => thread.run === run))).toEqual([])
    const changed = await digestPlaces(database.superuser, idOf)
    expect(new Set(changedPlaces(before, changed))).toEqual(new Set(found.map(({ cell }) => cell.at)))
    const spent = await expectAlike(cells.spentKeys())
    expect(spent.length).toBeGreaterThan(3)
    expect(unlikeStatements(spent)).toEqual([])
    expect(changedPlaces(changed, await digestPlaces(database.superuser, idOf))).toEqual([])
  }, CARRIERS_MS)

  test('what a message is about is looked up in the scope: foreign and absent are missed alike', async () => {
    const found = await expectAlike(cells.aboutDocuments())
    expect(unlikeKindsOfStatements(found)).toEqual([])
    const told = found.map(({ cell, prompts }) => [cell.part, prompts.some((prompt) => prompt.includes('<document source'))])
    expect(told).toEqual(found.map(({ cell }) => [cell.part, cell.part === 'about own']))
    const missed = found.filter(({ cell }) => cell.part === 'about')
    const runs = await expectAlike(missed.map(({ cell, answer }) => get(cell.caller, must(cell.at), `/runs/${answer.headers['x-resumable-stream-id']}`)))
    const manifests = runs.map(({ answer }) => (JSON.parse(answer.body) as { manifest: Manifest }).manifest.entries.filter(({ about }) => about !== undefined))
    expect(manifests.map((entries) => entries.map(({ source, scope, outcome, reason }) => ({ source, scope, outcome, reason })))).toEqual(
      manifests.map(() => [{ source: 'document', scope: 'organisation', outcome: 'dropped', reason: 'not_found' }]),
    )
  }, CARRIERS_MS)

  test('in a shared thread nobody hears of private ones', async () => {
    const found = await expectAlike(cells.sharedChats(), 1)
    expect(found.map(({ prompts }) => prompts.length)).toEqual(found.map(() => 1))
  }, CARRIERS_MS)

  test('a tool reads its scope, whatever its arguments name', async () => {
    const calls = (caller: Caller, place: PlaceName) => hostileCalls(caller, place, matrix())
    const runs = cells.toolCalls((caller, place) => calls(caller, place).map(({ call }) => call))
    const found = await expectAlike(runs.slice(0, Math.ceil(runs.length * share)))
    expect(found.map(({ prompts }) => prompts.length)).toEqual(found.map(() => 2))
    for (const { cell, answer } of found) {
      const wanted = calls(cell.caller, must(cell.at))
      const came = outcomesOf(parseStream(answer.body).chunks)
      expect([cell.caller.name, cell.at, came.length]).toEqual([cell.caller.name, cell.at, wanted.length])
      const wrong = came.flatMap(({ ok, text }, index) => {
        const { call, comes } = must(wanted[index])
        const right = comes === 'own' ? ok : comes === 'found' ? ok && text.includes('CNRY') : comes === 'unseen' ? text === 'There is no document with this id here.' : !ok
        return right ? [] : [`${JSON.stringify(call)} → ${text}`]
      })
      expect([cell.caller.name, cell.at, wrong]).toEqual([cell.caller.name, cell.at, []])
    }
  }, CARRIERS_MS)

  test('after all that, everybody reads what is theirs', async () => {
    const found = await expectAlike(sampled(cells.everything(), share))
    expect(found.filter(({ answer }) => answer.body.includes('CNRY')).length).toBeGreaterThan(100 * share)
    const { lines } = matrix()
    expect(lines.length).toBeGreaterThan(outcomes.length / 2)
    expect(lines.filter((line) => JSON.stringify(line).includes('CNRY')).map((line) => JSON.stringify(line))).toEqual([])
    process.stdout.write(`carriers on ${kind.name}: ${outcomes.length} requests, ${JSON.stringify(countsOf(outcomes))}\n`)
  }, CARRIERS_MS)
})
