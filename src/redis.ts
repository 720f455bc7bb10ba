export { redisJournal } from './lib/journal/redis-journal.ts'
export type { RedisJournal, RedisJournalOptions } from './lib/journal/redis-journal.ts'
