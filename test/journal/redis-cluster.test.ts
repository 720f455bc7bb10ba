import { setTimeout as delay } from 'node:timers/promises'
import { Cluster } from 'ioredis'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Frame, Journal, Tail } from '../../src/index.ts'
import { journalOf } from '../../src/lib/cli/journal-of.ts'
import { settingsOf } from '../../src/lib/cli/settings.ts'
import { runKey, tagOf } from '../../src/lib/journal/redis-keys.ts'
import { createLog } from '../../src/lib/observe/log.ts'
import { redisJournal } from '../../src/redis.ts'
import type { RedisJournalOptions } from '../../src/redis.ts'
import { findFreePort } from '../support/postgres-server.ts'
import { startRedis, startRedisCluster } from '../support/redis-server.ts'
import { must } from '../support/stage.ts'

const cluster = await startRedisCluster()
afterAll(() => cluster?.stop())
const live = new AbortController().signal

function frame(seq: number): Frame {
  return { fence: 1, seq, text: `data: {"n":${seq}}\n\n`, terminal: false, readSet: 1 }
}

async function readTo(tail: Tail, from: number, last: number): Promise<readonly number[]> {
  const read: number[] = []
  while ((read.at(-1) ?? from) < last) {
    const seq = read.at(-1) ?? from
    const frames = await tail.next({ fence: seq === 0 ? 0 : 1, seq }, live)
    if (frames === 'elsewhere') await delay(20)
    else read.push(...frames.map((one) => one.seq))
  }
  return read
}

/** A run of each tag. */
const runs = new Map(Array.from({ length: 400 }, (_, index) => [tagOf(`run_${index}`), `run_${index}`]))

describe.skipIf(!cluster)('the journal on a cluster of three masters', () => {
  const urls = cluster?.urls ?? []

  const open = (options: RedisJournalOptions): Journal => {
    const journal = redisJournal(options)
    onTestFinished(() => journal.close())
    return journal
  }
  const tailsOf = (journal: Journal): readonly Tail[] =>
    [...runs.values()].map((runId) => {
      const tail = journal.tail(runId)
      onTestFinished(() => tail.close())
      return tail
    })
  const clientOf = (): Cluster => {
    const client = new Cluster([...urls], { lazyConnect: true })
    onTestFinished(() => client.disconnect())
    return client
  }

  test.for([
    ['some of its nodes', () => ({ nodes: urls.slice(0, 1) })],
    ['a client', () => ({ client: clientOf() })],
  ] as const)('named by %s: each tag is read at its master, as it is said', async ([prefix, address]) => {
    const said = { prefix: prefix.replaceAll(' ', '_'), ...address() }
    const [owner, other] = [open(said), open(said)]
    for (const runId of runs.values()) owner.append(runId, [frame(1)])
    const tails = tailsOf(other)
    for (const read of await Promise.all(tails.map((tail) => readTo(tail, 0, 1)))) expect(read).toEqual([1])
    const waiting = tails.map((tail) => readTo(tail, 1, 2))
    for (const runId of runs.values()) owner.append(runId, [frame(2)])
    for (const read of await Promise.all(waiting)) expect(read).toEqual([2])
    const client = clientOf()
    await client.connect()
    for (const runId of runs.values()) expect(await client.xlen(runKey(said.prefix, runId))).toBe(2)
    for (const node of client.nodes('master')) expect(await node.keys(`${said.prefix}:*`)).not.toEqual([])
  })

  test('is named in the settings by some of its nodes', async () => {
    const { journal } = await journalOf(settingsOf({ AMBIT_REDIS_URL: urls.slice(0, 2).join(',') }), createLog({ level: 'info' }))
    const owner = must(journal)
    onTestFinished(() => owner.close())
    for (const runId of runs.values()) owner.append(runId, [frame(1)])
    for (const read of await Promise.all(tailsOf(open({ nodes: urls })).map((tail) => readTo(tail, 0, 1)))) expect(read).toEqual([1])
  })

  test('one that serves nothing yet is as good as none: a reader is sent elsewhere', async () => {
    const server = await startRedis(['--cluster-enabled', 'yes', '--cluster-port', String(await findFreePort())])
    onTestFinished(() => server?.stop())
    const tail = open({ nodes: [server?.url ?? ''] }).tail('r')
    onTestFinished(() => tail.close())
    expect(await tail.next({ fence: 0, seq: 0 }, live)).toBe('elsewhere')
  })
})
