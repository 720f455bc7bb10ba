import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { followEvents, placeEvents } from '../../src/lib/journal/follow-events.ts'
import { createScopeFeed } from '../../src/lib/journal/scope-feed.ts'
import type { ScopeFeed } from '../../src/lib/journal/scope-feed.ts'
import type { Sql } from '../../src/lib/store/database.ts'
import { deleteOldEvents } from '../../src/lib/store/event-rows.ts'
import type { EventPlace } from '../../src/lib/store/event-rows.ts'
import type { Handles, RowScope } from '../../src/lib/store/handles.ts'
import { isoTime } from '../../src/lib/store/iso-time.ts'
import { insertThread } from '../../src/lib/store/thread-rows.ts'
import { databaseKinds } from '../support/databases.ts'
import { must, useStage } from '../support/stage.ts'

/** On a machine that has much to do, too. */
const eventually = <T>(check: () => T) => vi.waitFor(check, 15_000)

// What a database may do to a reader of events, without an Ambit: commits that come late, rows that are many, old or not there.

describe.each(databaseKinds)('the events of a scope on $name', (kind) => {
  const stage = useStage(kind)
  let rows: RowScope
  let projectId: string
  beforeAll(async () => {
    projectId = must(stage.world.ids['acme/apollo'])
    rows = { ...stage.world.rows('acme', 'bob'), projectIds: [projectId] }
    await stage.database.handles.scoped(rows, (sql) => insertThread(sql, { projectId, id: 'thr_own', userId: 'bob', alias: null, title: 'Own' }))
  })

  // By a superuser: the runs that these name are not there, and a run's word is its author's.
  const insertRuns = (sql: Sql, runs: readonly string[]) =>
    sql.query(
      `insert into ambit.events (org_id, project_id, kind, thread_id, run_id)
       select $1, $2, 'run_began', 'thr_own', run from unnest($3::text[]) with ordinality as t (run, n) order by n`,
      [rows.orgId, projectId, runs],
    )
  const happens = (...runs: readonly string[]) => stage.database.superuser.transaction('', (sql) => insertRuns(sql, runs))

  async function feedOf(): Promise<ScopeFeed> {
    const feed = createScopeFeed({
      ...stage.database.handles,
      onError(error) {
        throw error
      },
    })
    onTestFinished(() => feed.close())
    return feed
  }

  /** Follows from a place until the test is over, keeping what it is told. */
  function reading(feed: ScopeFeed, place: EventPlace) {
    const ids: string[] = []
    const runs: string[] = []
    const going = new AbortController()
    const follow = async () => {
      for await (const frames of followEvents({ feed, ...stage.database.handles }, { rows, projectId }, place, going.signal)) {
        for (const { text } of frames) {
          const [, id, json] = must(/^id: (\S+)\ndata: (\{.*\})\n\n$/.exec(text))
          ids.push(id ?? '')
          runs.push((JSON.parse(json ?? '') as { run: string }).run)
        }
      }
      return 'ended'
    }
    const ended = follow()
    onTestFinished(async () => {
      going.abort()
      await ended
    })
    return { ids, runs, stop: () => going.abort(), ended }
  }

  const now = async () => must(await placeEvents(stage.database.handles, { rows, projectId }, null))
  const after = (time: string) => placeEvents(stage.database.handles, { rows, projectId }, time)
  /** So far from the moment of the database, as an id says it. */
  const timeIn = (seconds: number) =>
    stage.database.superuser.transaction('', async (sql) => {
      const { rows: told } = await sql.query<{ time: string }>(`select ${isoTime('(now() + make_interval(secs => $1))')} as time`, [seconds])
      return must(told[0]).time
    })

  /** Takes a number and leaves it: what is committed with it later has a lower number than what is there by then. */
  const takeNumber = () =>
    stage.database.superuser.transaction('', async (sql) => {
      const { rows: taken } = await sql.query<{ number: number }>("select nextval(pg_get_serial_sequence('ambit.events', 'number')) as number")
      return must(taken[0]).number
    })
  const commitLate = (number: number, run: string, secondsAgo = 0) =>
    stage.database.superuser.transaction('', (sql) =>
      sql.query(
        `insert into ambit.events (org_id, project_id, number, kind, thread_id, run_id, at) overriding system value
         values ($1, $2, $3, 'run_began', 'thr_own', $4, now() - make_interval(secs => $5))`,
        [rows.orgId, projectId, number, run, secondsAgo],
      ),
    )

  test('begins with this moment: what was before is not told, what is committed between the asking and the reading is', async () => {
    await happens('before')
    const place = await now()
    await happens('between')
    const feed = await feedOf()
    const { runs } = reading(feed, place)
    await eventually(() => expect(runs).toEqual(['between']))
    await happens('after')
    feed.notify({ orgId: rows.orgId, projectId })
    await eventually(() => expect(runs).toEqual(['between', 'after']))
  })

  test('a lower number that is committed after a higher one was told is told, once', async () => {
    const feed = await feedOf()
    const { ids, runs } = reading(feed, await now())
    const low = await takeNumber()
    await happens('higher')
    await eventually(() => expect(runs).toEqual(['higher']))
    await commitLate(low, 'lower', 9)
    await eventually(() => expect(runs).toEqual(['higher', 'lower']))
    await happens('next')
    await eventually(() => expect(runs).toEqual(['higher', 'lower', 'next']))
    const [first, second, third] = ids
    expect(second).toBe(first) // whoever is cut off here need not begin nine seconds earlier
    expect(must(third) > must(first)).toBe(true)
  })

  test('who comes back with the last id is told what was committed late, and everything since', async () => {
    const low = await takeNumber()
    await happens('told')
    const first = reading(await feedOf(), { after: 0, since: null, known: [] })
    await eventually(() => expect(first.runs).toContain('told'))
    const last = must(first.ids.at(-1))
    first.stop()
    await commitLate(low, 'late', 9)
    await happens('missed')
    const { ids, runs } = reading(await feedOf(), must(await after(last)))
    await eventually(() => expect(runs.filter((run) => run === 'late' || run === 'missed')).toEqual(['late', 'missed']))
    expect(ids.filter((id) => id < last)).toEqual([])
  })

  test('more than one page is told in order, each once', async () => {
    const place = await now()
    const names = Array.from({ length: 450 }, (_, n) => `run-${n}`)
    await happens(...names)
    const feed = await feedOf()
    const { runs } = reading(feed, place)
    await eventually(() => expect(runs).toHaveLength(450))
    await happens('last')
    feed.notify({ orgId: rows.orgId, projectId })
    await eventually(() => expect(runs).toEqual([...names, 'last']))
  })

  test('events of one moment are all told to who comes back with it, and so are those of the seconds before', async () => {
    const names = Array.from({ length: 450 }, (_, n) => `same-${n}`)
    const first = reading(await feedOf(), await now())
    await happens(...names) // in one transaction
    await commitLate(await takeNumber(), 'a-little-before', 14)
    await commitLate(await takeNumber(), 'long-before', 60)
    await eventually(() => expect(first.runs).toContain('same-0'))
    const moment = must(first.ids[first.runs.indexOf('same-0')])
    first.stop()
    const { runs } = reading(await feedOf(), must(await after(moment)))
    await eventually(() => expect(runs).toContain('a-little-before'))
    expect(runs.filter((run) => run.startsWith('same-'))).toEqual(names)
    expect(runs).not.toContain('long-before')
  })

  test('what is older than an hour is forgotten, and who comes back with such a time is told so', async () => {
    const time = await timeIn(-3_560)
    await commitLate(await takeNumber(), 'an-hour-ago', 3_570)
    const { runs } = reading(await feedOf(), must(await after(time)))
    await eventually(() => expect(runs).toContain('an-hour-ago'))
    expect(await after(await timeIn(-3_601))).toBeNull()
  })

  test('a time that is still to come is none, but for what two clocks differ by: then it is this moment', async () => {
    expect(await after(await timeIn(90))).toBeNull()
    const place = must(await after(await timeIn(50)))
    await happens('before-that-time')
    const { runs } = reading(await feedOf(), place)
    await eventually(() => expect(runs).toContain('before-that-time'))
  })

  test('what was kept long enough goes a part at a time, the oldest first', async () => {
    for (const [run, secondsAgo] of [['aged-3', 3_700], ['aged-4', 7_200], ['aged-1', 3_630], ['aged-2', 3_680]] as const) await commitLate(await takeNumber(), run, secondsAgo)
    const drop = () => stage.database.handles.sweeper((sql) => deleteOldEvents(sql, 2))
    const left = () =>
      stage.database.superuser.transaction('', async (sql) => {
        const { rows: kept } = await sql.query<{ run_id: string }>("select run_id from ambit.events where run_id like 'aged-%' order by at")
        return kept.map(({ run_id: run }) => run)
      })
    expect(await left()).toEqual(['aged-4', 'aged-3', 'aged-2', 'aged-1'])
    expect(await drop()).toBe(2)
    expect(await left()).toEqual(['aged-2', 'aged-1'])
    expect([await drop(), await drop()]).toEqual([1, 0])
    expect(await left()).toEqual(['aged-1']) // for who began within the hour, and reads now
  })

  test('a feed that ends ends its readers', async () => {
    const feed = await feedOf()
    const { ended } = reading(feed, await now())
    await happens('one')
    await feed.close()
    expect(await ended).toBe('ended')
  })

  test.skipIf(kind.name === 'PGlite' /* one connection: nothing is committed while another transaction is open */)('a transaction that is open while others commit is told when it commits', async () => {
    const feed = await feedOf()
    const { runs } = reading(feed, await now())
    const inserted = Promise.withResolvers<void>()
    const leave = Promise.withResolvers<void>()
    const slow = stage.database.superuser.transaction('', async (sql) => {
      await insertRuns(sql, ['slow'])
      inserted.resolve()
      await leave.promise
    })
    await inserted.promise
    await happens('quick')
    await eventually(() => expect(runs).toEqual(['quick']))
    leave.resolve()
    await slow
    await eventually(() => expect(runs).toEqual(['quick', 'slow']))
  })
})

describe('the look of a node', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    const left = vi.getTimerCount()
    vi.useRealTimers()
    if (left > 0) throw new Error(`${left} timers are left.`)
  })

  const APOLLO = { orgId: 'acme', projectId: 'apollo' }

  /** A table in memory, which says how it was asked: the time of a real one cannot be moved. */
  function begin() {
    const committed: number[] = []
    const asked: { readonly base: number; readonly known: readonly number[] }[] = []
    let away = false
    const faults: unknown[] = []
    const query = async (text: string, [, , third, known]: readonly unknown[]) => {
      if (away) throw new Error('the database is away')
      if (!text.includes('unnest')) return { rows: [{ base: 0, number: null }], count: 1 }
      const [base] = third as readonly [number]
      asked.push({ base, known: known as readonly number[] })
      const rows = committed.filter((number) => number > base && !(known as readonly number[]).includes(number)).sort((one, other) => one - other)
      return { rows: rows.map((number) => ({ org_id: 'acme', project_id: 'apollo', number })), count: rows.length }
    }
    const sweeper = (async (work: (sql: unknown) => Promise<unknown>) => work({ query })) as Handles['sweeper']
    const feed = createScopeFeed({ sweeper, onError: (error) => faults.push(error) })
    return {
      feed, asked, faults,
      commit: (...numbers: readonly number[]) => void committed.push(...numbers),
      goAway: (is: boolean) => {
        away = is
      },
    }
  }

  const STAYS = new AbortController().signal

  test('is one a second for all, and none where nobody follows', async () => {
    const { feed, asked } = begin()
    const readers = await Promise.all(Array.from({ length: 20 }, () => feed.join(APOLLO)))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked.length).toBeGreaterThan(8)
    expect(asked.length).toBeLessThan(12)
    for (const reader of readers) reader.leave()
    expect(vi.getTimerCount()).toBe(0)
    feed.notify(APOLLO)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('forgets a number when no lower one can appear any more, and not before', async () => {
    const { feed, asked, commit } = begin()
    const reader = await feed.join(APOLLO)
    commit(7)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await reader.next(STAYS)).toEqual([7])
    await vi.advanceTimersByTimeAsync(12_000)
    expect(asked.at(-1)).toEqual({ base: 0, known: [7] })
    commit(3)
    await vi.advanceTimersByTimeAsync(1_500)
    expect(await reader.next(STAYS)).toEqual([3])
    await vi.advanceTimersByTimeAsync(20_000)
    expect(asked.at(-1)).toEqual({ base: 7, known: [] })
    reader.leave()
  })

  test('that failed forgets nothing: what appeared meanwhile is told', async () => {
    const { feed, faults, commit, goAway } = begin()
    const reader = await feed.join(APOLLO)
    commit(7)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await reader.next(STAYS)).toEqual([7])
    goAway(true)
    commit(3)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(faults.length).toBeGreaterThan(50)
    goAway(false)
    await vi.advanceTimersByTimeAsync(1_500)
    expect(await reader.next(STAYS)).toEqual([3])
    reader.leave()
  })

  test('comes soon where something was committed here, however often that is said', async () => {
    const { feed, asked, commit } = begin()
    const reader = await feed.join(APOLLO)
    await vi.advanceTimersByTimeAsync(500)
    const before = asked.length
    commit(1)
    for (let n = 0; n < 100; n += 1) {
      feed.notify(APOLLO)
      await vi.advanceTimersByTimeAsync(2)
    }
    expect(await reader.next(STAYS)).toEqual([1])
    expect(asked.length - before).toBeGreaterThan(2)
    expect(asked.length - before).toBeLessThan(7)
    feed.notify({ orgId: 'acme', projectId: 'zephyr' }) // nobody follows that
    const after = asked.length
    await vi.advanceTimersByTimeAsync(200)
    expect(asked.length - after).toBeLessThan(2)
    reader.leave()
  })

  test('a reader that is too far behind is broken off, and holds no more', async () => {
    const { feed, commit } = begin()
    const reader = await feed.join(APOLLO)
    commit(...Array.from({ length: 10_001 }, (_, n) => n + 1))
    await vi.advanceTimersByTimeAsync(2_000)
    await expect(reader.next(STAYS)).rejects.toThrow('too far behind')
    reader.leave()
  })

  test('one that cannot begin is tried anew by the next reader', async () => {
    const { feed, goAway, commit } = begin()
    goAway(true)
    await expect(feed.join(APOLLO)).rejects.toThrow('away')
    expect(vi.getTimerCount()).toBe(0)
    goAway(false)
    const reader = await feed.join(APOLLO)
    commit(1)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await reader.next(STAYS)).toEqual([1])
    reader.leave()
  })
})
