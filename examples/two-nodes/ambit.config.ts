import { apiKeys, createAmbit, createLog } from 'ambit'
import { redisJournal } from 'ambit/redis'

const { AMBIT_DATABASE_URL = '', AMBIT_REDIS_URL, AMBIT_MODEL = 'offline', AMBIT_MODEL_BASE_URL, AMBIT_MODEL_API_KEY, AMBIT_LOG_LEVEL = 'info', NODE_NAME, DRIVE } = process.env

/** The same file for every node and every worker: what differs is in the environment. */
export const ambit = createAmbit({
  store: AMBIT_DATABASE_URL,
  authenticate: apiKeys(),
  model: AMBIT_MODEL,
  providers: {
    'openai-compatible': { ...(AMBIT_MODEL_BASE_URL && { baseURL: AMBIT_MODEL_BASE_URL }), ...(AMBIT_MODEL_API_KEY && { apiKey: AMBIT_MODEL_API_KEY }) },
  },
  // Without Redis, the readers of another node get an answer step by step, and not word by word. Nothing else changes.
  ...(AMBIT_REDIS_URL && { journal: redisJournal({ url: AMBIT_REDIS_URL }) }),
  // A name of its own for each process that lives at the same time: the one that comes back under it takes its runs at once.
  ...(NODE_NAME && { node: NODE_NAME }),
  log: createLog({ level: AMBIT_LOG_LEVEL }),
  drive: DRIVE === 'elsewhere' ? 'elsewhere' : 'here',
  metrics: true,
})
