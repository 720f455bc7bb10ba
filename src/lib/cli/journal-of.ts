import { redisJournal } from '../journal/redis-journal.ts'
import type { RedisJournal } from '../journal/redis-journal.ts'
import type { Log } from '../observe/log.ts'
import type { Settings } from './settings.ts'

/** The journal that the settings name, as an option of `createAmbit`. Rejects with a StartError where it can never work. */
export async function journalOf({ redisUrls: [url, ...others] }: Settings, log: Log): Promise<{ readonly journal?: RedisJournal }> {
  if (url === undefined) return {}
  const journal = redisJournal({ ...(others.length > 0 ? { nodes: [url, ...others] } : { url }), log })
  await journal.start()
  return { journal }
}
