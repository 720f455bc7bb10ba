import type { AddressInfo } from 'node:net'
import { apiKeys, createAmbit, namedModel } from '../../src/index.ts'
import { listen } from '../../src/node.ts'
import { redisJournal } from '../../src/redis.ts'
import { answerParent, given } from '../parent.ts'
import { countErrors, watchProcess } from '../soak/watch-process.ts'

// D, Ambit with everything on: keys, scope, row-level security, storage, a log at `info`.

interface Given {
  readonly upstream: string
  readonly store: string
  readonly historyMessages?: number
  /** Where the journal is; absent: in this process's memory. */
  readonly redis?: string
  /** Whether it tells what it holds open, and what it logged. */
  readonly watched?: boolean
}

const { upstream, store, historyMessages, redis, watched = false } = given<Given>()
const errors = watched ? countErrors() : null

const ambit = createAmbit({
  store,
  model: namedModel('openai-compatible:bench', { baseURL: upstream }),
  authenticate: apiKeys(),
  ...(errors && { log: errors.log }),
  ...(redis !== undefined && { journal: redisJournal({ url: redis }) }),
  // All of the load is one person's.
  limits: { userStreams: 10_000, orgStreams: 10_000, nodeStreams: 10_000, ...(historyMessages !== undefined && { historyMessages }) },
})
await ambit.start()
const server = await listen(ambit, { host: '127.0.0.1', port: 0 })

answerParent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, errors ? watchProcess(server, errors) : {}, async () => {
  server.close()
  server.closeAllConnections()
  await ambit.close({ graceMs: 0 })
})
