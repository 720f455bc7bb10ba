import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Frame, Journal, Log, Tail } from '../../src/index.ts'
import type { Position } from '../../src/lib/journal/journal.ts'
import { encodeEntry } from '../../src/lib/journal/redis-entry.ts'
import { runKey, tagOf } from '../../src/lib/journal/redis-keys.ts'
import { redisJournal } from '../../src/redis.ts'
import type { RedisJournalOptions } from '../../src/redis.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { openScale, openTestRedis, untilPublished, useTestRedis } from '../support/redis.ts'

const found = await openTestRedis()
const live = new AbortController().signal
const START: Position = { fence: 0, seq: 0 }

/** Waits that a fault makes long. */
const SOON = { timeout: 10_000, interval: 20 }

function frame(seq: number, said: Partial<Frame> = {}): Frame {
  return { fence: 1, seq, text: `id: ${said.fence ?? 1}.${seq}\ndata: {"n":${seq}}\n\n`, terminal: false, readSet: 1, ...said }
}

function framesOf(from: number, to: number, fence = 1): Frame[] {
  return Array.from({ length: to - from + 1 }, (_, index) => frame(from + index, { fence }))
}

function listeningLog(): Log & { readonly codes: unknown[] } {
  const codes: unknown[] = []
  const log: Log & { readonly codes: unknown[] } = {
    codes, info: () => {}, warn: ({ code }) => void codes.push(code), error: ({ code }) => void codes.push(code), child: () => log,
  }
  return log
}

/** Reads as `followRun` does, from a store that knows nothing: all frames that come, to the one that is wanted. */
async function readTo(tail: Tail, from: Position, last: number): Promise<readonly Frame[]> {
  const read: Frame[] = []
  let at = from
  while ((read.at(-1)?.seq ?? 0) < last) {
    const frames = await tail.next(at, live)
    if (frames === 'elsewhere') await delay(20)
    else read.push(...frames)
    at = read.at(-1) ?? from
  }
  return read
}

describe.skipIf(!found)('the journal in Redis', () => {
  const redis = useTestRedis(found)
  let runs = 0
  const newRun = () => `run_${(runs += 1)}`

  const open = (options: Partial<RedisJournalOptions> = {}): Journal => {
    const journal = redisJournal({ url: redis.server.url, log: listeningLog(), ...options })
    onTestFinished(() => journal.close())
    return journal
  }
  const tailOf = (journal: Journal, runId: string): Tail => {
    const tail = journal.tail(runId)
    onTestFinished(() => tail.close())
    return tail
  }
  /** A run that one node drives and another one reads, up to its third frame; nothing is settled. */
  const begin = async (owner = open(), other = open()) => {
    const runId = newRun()
    owner.append(runId, framesOf(1, 3))
    const tail = tailOf(other, runId)
    expect(await readTo(tail, START, 3)).toEqual(framesOf(1, 3))
    return { owner, other, runId, tail }
  }
  const published = (runId: string, last: Position) => untilPublished(redis, new Map([[runId, last]]))

  test('gives another node the same bytes, however they came', async () => {
    const [owner, runId] = [open(), newRun()]
    const texts = ['', 'é', '😀', 'data: {"a":"\\u0000\\ud800"}\n\n', '\u2028', 'x'.repeat(300_000), '\u00ff\uffff']
    const said = texts.map((text, index) => frame(index + 1, { text, readSet: index < 3 ? 1 : 2, terminal: index === texts.length - 1 }))
    for (const one of said.slice(0, 4)) owner.append(runId, [one])
    owner.append(runId, said.slice(4))
    owner.settle(runId, said.length)
    owner.end(runId)
    expect(await readTo(tailOf(open(), runId), START, said.length)).toEqual(said)
  })

  test('opens nothing until it is used', async () => {
    const opened = async () => /total_connections_received:\d+/.exec(await redis.admin.info('stats'))?.[0]
    const before = await opened()
    const journal = open()
    await journal.close()
    expect(await opened()).toBe(before)
  })

  test('takes a client for its settings, and does not use it', async () => {
    const client = new Redis(redis.server.url, { lazyConnect: true, keyPrefix: 'host:' })
    const owner = redisJournal({ client, prefix: 'shop' })
    onTestFinished(() => owner.close())
    const other = redisJournal({ client, prefix: 'shop' })
    onTestFinished(() => other.close())
    await begin(owner, other)
    expect(client.status).toBe('wait')
    expect(await redis.admin.keys('shop:*:run:*')).toHaveLength(1)
    client.disconnect()
  })

  test('two hundred readers of a run cost one read', async () => {
    const { owner, other, runId } = await begin()
    await redis.admin.config('RESETSTAT')
    const readers = Array.from({ length: 200 }, () => tailOf(other, runId))
    const all = Promise.all(readers.map((reader) => readTo(reader, START, 5)))
    owner.append(runId, [frame(4)])
    await published(runId, frame(4))
    owner.append(runId, [frame(5)])
    for (const read of await all) expect(read).toEqual(framesOf(1, 5))
    const stats = await redis.admin.info('commandstats')
    // One for each of two entries, and as many as a second of waiting may end.
    expect(Number(/cmdstat_xread:calls=(\d+)/.exec(stats)?.[1])).toBeLessThan(10)
  })

  test('a reader who asks anew, as one does who was sent elsewhere, costs nothing more', async () => {
    const { owner, other, runId, tail } = await begin()
    await redis.admin.config('RESETSTAT')
    const anew = tailOf(other, runId)
    tail.close()
    const waiting = anew.next(frame(3), live)
    owner.append(runId, [frame(4)])
    expect(await waiting).toEqual([frame(4)])
    expect(await redis.admin.info('stats')).toContain('total_connections_received:0')
  })

  test('one node takes many runs of a tag with one connection, and closes it after them', async () => {
    const [owner, other] = [open(), open()]
    const ids = Array.from({ length: 40 }, newRun)
    const tails = ids.map((runId) => other.tail(runId))
    for (const runId of ids) owner.append(runId, [frame(1)])
    await Promise.all(tails.map((tail) => readTo(tail, START, 1)))
    const connections = async () => String(await redis.admin.client('LIST')).split('\n').filter((line) => line.includes('name=ambit')).length
    expect(await connections()).toBeLessThanOrEqual(2 + 16)
    for (const tail of tails) tail.close()
    await vi.waitFor(async () => expect(await connections()).toBe(2), SOON)
  })

  test('a reader that came before the run is told to ask again', async () => {
    const [owner, other, runId] = [open(), redisJournal({ url: redis.server.url }), newRun()]
    onTestFinished(() => other.close())
    const heard = Promise.withResolvers<void>()
    const tail = other.tail(runId, () => heard.resolve())
    onTestFinished(() => tail.close())
    expect(await tail.next(START, live)).toBe('elsewhere')
    owner.append(runId, [frame(1)])
    await heard.promise
    expect(await tail.next(START, live)).toEqual([frame(1)])
  })

  test('nothing stays for ever: every key has its end, and settled entries go beyond the bound', async () => {
    const owner = open({ keptBytes: 100_000 })
    const { runId, tail } = await begin(owner)
    for (let seq = 4; seq <= 30; seq += 1) {
      owner.append(runId, [frame(seq, { text: 'x'.repeat(50_000) })])
      owner.settle(runId, seq)
      await published(runId, frame(seq))
    }
    expect((await redis.idsOf(runId)).length).toBeLessThan(8)
    expect((await readTo(tail, frame(28), 30)).map(({ seq }) => seq)).toEqual([29, 30])
    for (const key of await redis.admin.keys('ambit:*')) expect(await redis.admin.pttl(key)).toBeGreaterThan(0)
  })

  test('however much there is to catch up with, no answer weighs more than its bound and an entry', async () => {
    const scale = await openScale(redis.server)
    onTestFinished(() => scale.close())
    const [owner, other] = [open(), open({ url: scale.url })]
    const tag = tagOf(newRun())
    const ids = Array.from({ length: 1_000 }, newRun).filter((runId) => tagOf(runId) === tag).slice(0, 6)
    const long = Array.from({ length: 40 }, (_, index) => frame(index + 1, { text: `${index}`.padEnd(50_000, '.') }))
    for (const runId of ids) owner.append(runId, long)
    for (const runId of ids) await published(runId, frame(40))
    for (const runId of ids) other.tail(runId).close() // who leaves at once holds nobody up
    const tails = ids.map((runId) => ({ runId, tail: tailOf(other, runId) }))
    for (const read of await Promise.all(tails.map(({ tail }) => readTo(tail, START, 40)))) expect(read).toEqual(long)
    const more = long.map((one) => ({ ...one, seq: one.seq + 40 }))
    for (const { runId } of tails) owner.append(runId, more)
    for (const read of await Promise.all(tails.map(({ tail }) => readTo(tail, frame(40), 80)))) expect(read).toEqual(more)
    expect(scale.heaviest).toBeLessThan(1_200_000)
  })

  describe('what Redis loses is found, and said again', () => {
    test('everything: who waits goes on without a gap, and who comes later gets what is not settled', async () => {
      const { owner, other, runId, tail } = await begin()
      owner.settle(runId, 1)
      await redis.admin.flushall()
      await vi.waitFor(async () => expect(await redis.idsOf(runId)).toEqual(['1-3']), SOON)
      const waiting = readTo(tail, frame(3), 5)
      owner.append(runId, framesOf(4, 5))
      expect(await waiting).toEqual(framesOf(4, 5))
      expect(await readTo(tailOf(open(), runId), frame(1), 5)).toEqual(framesOf(2, 5))
      expect(await tailOf(other, runId).next(START, live)).toHaveLength(5)
    })

    test('everything, of a run whose frames are all settled: the next ones begin anew', async () => {
      const { owner, runId, tail } = await begin()
      owner.settle(runId, 3)
      await redis.admin.flushall()
      owner.append(runId, [frame(4)])
      expect(await readTo(tail, frame(3), 4)).toEqual([frame(4)])
    })

    test('entries that a reader has not seen: it is sent elsewhere, and never over the gap', async () => {
      const proxy = await startFaultProxy(redis.server.url)
      onTestFinished(() => proxy.close())
      const { owner, runId, tail } = await begin(open(), open({ url: proxy.through(redis.server.url) }))
      proxy.hang()
      owner.append(runId, framesOf(4, 5))
      owner.settle(runId, 5)
      await published(runId, frame(5))
      await redis.admin.xtrim(runKey('ambit', runId), 'MAXLEN', 0)
      owner.append(runId, [frame(6)])
      await published(runId, frame(6))
      await proxy.pass()
      expect(await readTo(tail, frame(5), 6)).toEqual([frame(6)])
      expect(await tail.next(frame(3), live)).toBe('elsewhere')
    })

    /** Three frames that are not settled, in an entry each. */
    const threeEntries = async (owner = open()) => {
      const runId = newRun()
      for (const one of framesOf(1, 3)) {
        owner.append(runId, [one])
        await published(runId, one)
      }
      return { owner, runId }
    }

    test('entries that are not settled: the next append finds it, and says all of them again', async () => {
      const { owner, runId } = await threeEntries()
      await redis.admin.xtrim(runKey('ambit', runId), 'MAXLEN', 1)
      owner.append(runId, [frame(4)])
      await published(runId, frame(4))
      expect(await redis.idsOf(runId)).toEqual(['1-4'])
      expect(await readTo(tailOf(open(), runId), START, 4)).toEqual(framesOf(1, 4))
    })

    test('entries that are not settled, of a run that says nothing more: who came upon the gap gets all of it without a commit', async () => {
      const { runId } = await threeEntries()
      await redis.admin.xtrim(runKey('ambit', runId), 'MAXLEN', 1)
      const heard = vi.fn<() => void>()
      const tail = open().tail(runId, heard)
      onTestFinished(() => tail.close())
      expect(await tail.next(START, live)).toBe('elsewhere')
      await vi.waitFor(() => expect(heard).toHaveBeenCalled(), SOON)
      expect(await readTo(tail, START, 3)).toEqual(framesOf(1, 3))
    })

    test('an entry in the middle, of a run that says nothing more', async () => {
      const { runId } = await threeEntries()
      await redis.admin.xdel(runKey('ambit', runId), '1-2')
      await vi.waitFor(async () => expect(await redis.idsOf(runId)).toEqual(['1-3']), SOON)
      expect(await readTo(tailOf(open(), runId), START, 3)).toEqual(framesOf(1, 3))
    })

    test('its kind: what stands in the place of a stream is replaced', async () => {
      const { owner, runId, tail } = await begin()
      await redis.admin.set(runKey('ambit', runId), 'not a stream')
      const late = readTo(tailOf(open(), runId), START, 4)
      owner.append(runId, [frame(4)])
      expect(await readTo(tail, frame(3), 4)).toEqual([frame(4)])
      expect(await late).toEqual(framesOf(1, 4))
    })

    test('its kind, where nobody replaces it: other runs are read all the same', async () => {
      const [owner, other, broken] = [open(), open(), newRun()]
      const whole = `${Array.from({ length: 1_000 }, (_, index) => `${broken}_${index}`).find((id) => tagOf(id) === tagOf(broken))}`
      expect(await tailOf(other, broken).next(START, live)).toBe('elsewhere')
      await redis.admin.set(runKey('ambit', broken), 'not a stream', 'EX', 60)
      owner.append(whole, framesOf(1, 3))
      const tail = tailOf(other, whole)
      expect(await readTo(tail, START, 3)).toEqual(framesOf(1, 3))
      owner.append(whole, [frame(4)])
      expect(await readTo(tail, frame(3), 4)).toEqual([frame(4)])
    })

    test('itself: it is killed and comes back empty', async () => {
      const { owner, runId, tail } = await begin()
      await redis.server.kill()
      owner.append(runId, [frame(4)])
      expect(await tailOf(owner, runId).next(frame(3), live)).toEqual([frame(4)])
      await redis.server.restart()
      expect(await readTo(tail, frame(3), 4)).toEqual([frame(4)])
      expect(await readTo(tailOf(open(), runId), START, 4)).toEqual(framesOf(1, 4))
    })
  })

  describe('what Redis refuses waits, and the run does not', () => {
    test.for([
      ['OOM', () => redis.admin.config('SET', 'maxmemory', '1'), () => redis.admin.config('SET', 'maxmemory', '0')],
      ['READONLY', () => redis.admin.replicaof('127.0.0.1', 1), () => redis.admin.replicaof('NO', 'ONE')],
    ] as const)('%s: said once, and taken when it can be', async ([code, refuse, allow]) => {
      const log = listeningLog()
      const { owner, runId, tail } = await begin(open({ log }))
      await refuse()
      try {
        for (let seq = 4; seq <= 6; seq += 1) owner.append(runId, [frame(seq)])
        expect(await tailOf(owner, runId).next(frame(3), live)).toEqual(framesOf(4, 6))
        await vi.waitFor(() => expect(log.codes).toContain(code), SOON)
      } finally {
        await allow()
      }
      expect(await readTo(tail, frame(3), 6)).toEqual(framesOf(4, 6))
      expect(log.codes.filter((told) => told === code)).toHaveLength(1)
    })

    test('a server that hangs: local readers read on, others when it is back, and closing does not wait for it', async () => {
      const [log, lost] = [listeningLog(), open()]
      const { owner, runId, tail } = await begin(open({ log }))
      lost.append(newRun(), [frame(1)])
      redis.server.signal('SIGSTOP')
      try {
        owner.append(runId, framesOf(4, 5))
        lost.append(newRun(), [frame(1)])
        expect(await tailOf(owner, runId).next(frame(3), live)).toEqual(framesOf(4, 5))
        expect(await Promise.race([lost.close().then(() => 'closed'), delay(3_000, 'hung')])).toBe('closed')
        await vi.waitFor(() => expect(log.codes).toContain('TIMEOUT'), SOON)
      } finally {
        redis.server.signal('SIGCONT')
      }
      expect(await readTo(tail, frame(3), 5)).toEqual(framesOf(4, 5))
    })

    test('a connection that is cut, and one that is half open', async () => {
      const proxy = await startFaultProxy(redis.server.url)
      onTestFinished(() => proxy.close())
      const url = proxy.through(redis.server.url)
      const { owner, runId, tail } = await begin(open({ url }), open({ url }))
      proxy.cut()
      owner.append(runId, [frame(4)])
      expect(await readTo(tail, frame(3), 4)).toEqual([frame(4)])
      proxy.hang()
      owner.append(runId, [frame(5)])
      await proxy.pass()
      expect(await readTo(tail, frame(4), 5)).toEqual([frame(5)])
    })

    test('no Redis at all: everything is elsewhere, at once, and nothing throws', async () => {
      const log = listeningLog()
      const journal = open({ url: 'redis://127.0.0.1:1', log })
      const runId = newRun()
      journal.append(runId, [frame(1)])
      expect(await tailOf(journal, runId).next(START, live)).toEqual([frame(1)])
      expect(await tailOf(journal, newRun()).next(START, live)).toBe('elsewhere')
      expect(log.codes).toEqual(['ECONNREFUSED'])
      journal.end(runId)
    })
  })

  describe('two who write one run', () => {
    test('who has the older claim is never heard again', async () => {
      const { owner: zombie, other, runId, tail } = await begin()
      const heir = open()
      heir.append(runId, framesOf(2, 3, 2))
      await published(runId, frame(3, { fence: 2 }))
      zombie.append(runId, framesOf(4, 9))
      heir.append(runId, [frame(4, { fence: 2 })])
      expect(await tail.next(frame(3), live)).toBe('elsewhere')
      expect(await readTo(tail, frame(1), 4)).toEqual(framesOf(2, 4, 2))
      expect(await redis.idsOf(runId)).toEqual(['2-3', '2-4'])
      expect(await tailOf(other, runId).next(frame(4), live)).toBe('elsewhere')
    })

    test('nor where it begins its stream anew', async () => {
      const [heir, zombie, runId, marker] = [open(), open(), newRun(), newRun()]
      heir.append(runId, framesOf(2, 3, 2))
      await published(runId, frame(3, { fence: 2 }))
      zombie.append(runId, framesOf(1, 9))
      zombie.append(marker, [frame(1)]) // goes the same way, after it
      await published(marker, frame(1))
      expect(await redis.idsOf(runId)).toEqual(['2-3'])
    })

    test('nor by a reader that knows of the later one', async () => {
      const { other, runId } = await begin()
      expect(await tailOf(other, runId).next(frame(2, { fence: 2 }), live)).toBe('elsewhere')
    })

    test('nor before the frames of a later one whose beginning is gone', async () => {
      const { other, runId, tail } = await begin()
      const rest = encodeEntry({ fence: 2, base: 1, settled: 3, frames: [frame(4, { fence: 2 })] })
      await redis.admin.xadd(runKey('ambit', runId), '2-4', ...rest)
      expect(await readTo(tail, frame(3, { fence: 2 }), 4)).toEqual([frame(4, { fence: 2 })])
      expect(await tailOf(other, runId).next(frame(1), live)).toBe('elsewhere')
    })

    test('nor what it said beyond its last commit, where nothing was heard here of the claim that dropped it', async () => {
      const { owner, other, runId, tail } = await begin()
      owner.settle(runId, 1)
      // The second claim began after frame 1, said other words and committed them up to 3; then came a third.
      const third = encodeEntry({ fence: 3, base: 3, settled: 3, frames: [frame(4, { fence: 3 })] })
      await redis.admin.multi().del(runKey('ambit', runId)).xadd(runKey('ambit', runId), '3-4', ...third).exec()
      expect(await readTo(tail, frame(3, { fence: 3 }), 4)).toEqual([frame(4, { fence: 3 })])
      expect(await tailOf(other, runId).next(frame(3), live)).toBe('elsewhere')
      expect(await tailOf(other, runId).next(START, live)).toBe('elsewhere')
    })

    test('nor where Redis has forgotten the later one', async () => {
      const { owner: zombie, runId } = await begin()
      const heir = open()
      heir.append(runId, framesOf(2, 3, 2))
      await published(runId, frame(3, { fence: 2 }))
      const late = open()
      await redis.admin.flushall()
      zombie.append(runId, framesOf(4, 9))
      heir.append(runId, [frame(4, { fence: 2 })])
      expect(await readTo(tailOf(late, runId), frame(3, { fence: 2 }), 4)).toEqual([frame(4, { fence: 2 })])
      await vi.waitFor(async () => expect((await redis.idsOf(runId)).every((id) => id.startsWith('2-'))).toBe(true), SOON)
    })

    test('a run that comes to a node that reads it is read where it is driven', async () => {
      const { other, runId, tail } = await begin()
      const waiting = tail.next(frame(3), live)
      other.append(runId, [frame(3, { fence: 2 })])
      expect(await waiting).toBe('elsewhere')
      expect(await tailOf(other, runId).next(frame(2, { fence: 2 }), live)).toEqual([frame(3, { fence: 2 })])
    })
  })
})
