import { describe, expect, test, vi } from 'vitest'
import { createLog } from '../../src/index.ts'
import { redisJournal } from '../../src/redis.ts'
import { APOLLO, readStream, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { openTestRedis, useTestRedis } from '../support/redis.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, must, post, readRest, readUntil, useStage } from '../support/stage.ts'

const found = await openTestRedis()

// Nodes of one process, each with its own connections to a PostgreSQL and a Redis.
describe.skipIf(!found).each(databaseKinds.filter(({ name }) => name === 'PostgreSQL'))('two nodes on $name and Redis', (kind) => {
  const redis = useTestRedis(found)
  const stage = useStage(kind)

  const start = (...scripts: Parameters<typeof scriptedModel>) => stage.start({ model: scriptedModel(...scripts), journal: redisJournal({ url: redis.server.url, log: createLog({ level: 'silent' }) }) })
  const words = (first: Promise<unknown>, second: Promise<unknown>) => {
    const [begin, open, one, two, ...rest] = says('One, ', 'two, ', 'three.')
    return [must(begin), must(open), must(one), first, must(two), second, ...rest]
  }

  test('a reader at the other node gets each word before anything is committed, and the same bytes', async () => {
    const [first, second] = [gate(), gate()]
    const [a, b] = [start(words(first.opened, second.opened)), start(says('x'))]
    const thread = freshThread()
    const asked = await post(stage, a.ambit, { thread })
    const reader = must((await send(b.ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stream`)).body).getReader()
    let read = await readUntil(reader, 'One, ')
    first.open()
    read += await readUntil(reader, 'two, ')
    second.open()
    read += await readRest(reader)
    expect(read.replaceAll(': \n\n', '')).toBe((await readStream(asked)).text.replaceAll(': \n\n', ''))
  })

  test('Redis is emptied, and then killed, in mid-answer: nothing is lost, and nobody is told another story', async () => {
    const [first, second] = [gate(), gate()]
    const [a, b] = [start(words(first.opened, second.opened)), start(says('x'))]
    const thread = freshThread()
    const asked = await post(stage, a.ambit, { thread })
    const reader = must((await send(b.ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stream`)).body).getReader()
    let read = await readUntil(reader, 'One, ')
    await redis.admin.flushall()
    first.open()
    read += await readUntil(reader, 'two, ')
    await redis.server.kill()
    second.open()
    read += await readRest(reader)
    await redis.server.restart()
    expect(read.replaceAll(': \n\n', '')).toBe((await readStream(asked)).text.replaceAll(': \n\n', ''))
  })

  test('what Redis does not take is counted, for whoever is on call', async () => {
    const journal = redisJournal({ url: redis.server.url, log: createLog({ level: 'silent' }) })
    const { ambit } = stage.start({ model: scriptedModel(says('Hello.')), journal, metrics: true })
    const failures = async () => Number(/^ambit_journal_failures_total (\d+)$/m.exec(await (await ambit.fetch(new Request('http://ambit.test/metrics'))).text())?.[1])
    expect(await failures()).toBe(0)
    await redis.server.kill()
    await readStream(await post(stage, ambit, { thread: freshThread() }))
    await vi.waitFor(async () => expect(await failures()).toBeGreaterThan(0), 5_000)
    await redis.server.restart()
  })
})
