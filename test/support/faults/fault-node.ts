import type { AddressInfo } from 'node:net'
import { listen } from '../../../src/node.ts'
import { ambit, pool, say, settings } from './fault-ambit.ts'

/** A node behind a real socket. */
const server = await listen(ambit, { host: '127.0.0.1', port: settings.port })
await ambit.start()
process.once('SIGTERM', () => {
  server.close()
  void ambit.close({ graceMs: settings.graceMs }).then(async () => {
    await pool?.end()
    process.exit()
  })
})
say({ listening: (server.address() as AddressInfo).port })
