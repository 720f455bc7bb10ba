import { describe } from 'vitest'
import { redisJournal } from '../../src/redis.ts'
import { journalContract } from '../contracts/journal.ts'
import { openTestRedis, untilPublished, useTestRedis } from '../support/redis.ts'

const found = await openTestRedis()
const keptBytes = 3_000

describe.skipIf(!found)('over Redis', () => {
  const redis = useTestRedis(found)

  // Every case calls its run "r": each begins with an empty Redis.
  const empty = async () => void (await redis.admin.flushall())

  journalContract('in Redis, where the run is driven', async () => {
    await empty()
    return { journal: redisJournal({ url: redis.server.url, keptBytes }), keptBytes }
  })

  journalContract('in Redis, on another node', async () => {
    await empty()
    const { url } = redis.server
    return { journal: redisJournal({ url, keptBytes }), elsewhere: redisJournal({ url, keptBytes }), keptBytes, arrived: (last) => untilPublished(redis, last) }
  })
})
