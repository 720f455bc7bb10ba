import type { AddressInfo } from 'node:net'
import { apiKeys, createAmbit, namedModel } from '../../src/index.ts'
import { listen } from '../../src/node.ts'
import { answerParent, given } from '../parent.ts'

// D, Ambit with everything on: keys, scope, row-level security, storage, a log at `info`.

const { upstream, store, historyMessages } = given<{ upstream: string; store: string; historyMessages?: number }>()

const ambit = createAmbit({
  store,
  model: namedModel('openai-compatible:bench', { baseURL: upstream }),
  authenticate: apiKeys(),
  // All of the load is one person's.
  limits: { userStreams: 10_000, orgStreams: 10_000, nodeStreams: 10_000, ...(historyMessages !== undefined && { historyMessages }) },
})
await ambit.start()
const server = await listen(ambit, { host: '127.0.0.1', port: 0 })

answerParent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {}, async () => {
  server.close()
  server.closeAllConnections()
  await ambit.close({ graceMs: 0 })
})
