import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ambit } from '../create-ambit.ts'
import type { Listening, Surroundings } from './command.ts'
import { urlAt } from './settings.ts'
import type { Settings } from './settings.ts'
import { awaitInterruption } from './signals.ts'

/** What runs: an Ambit, and the server in front of it. */
export interface Running {
  readonly ambit: Ambit
  readonly server: Server
  readonly url: string
}

/** Opens the store, proves it, and only then listens: a server that answers is one that can serve. */
export async function run(ambit: Ambit, front: Listening, { host, port }: Settings, { listen }: Surroundings): Promise<Running> {
  try {
    await ambit.start()
    const server = await listen(front, { host, port })
    return { ambit, server, url: urlAt(host, (server.address() as AddressInfo).port) }
  } catch (error) {
    await ambit.close()
    throw error
  }
}

/** Serves until the first signal, and ends in order also where the announcement fails. */
export async function serve(running: Running, announce: () => Promise<void>): Promise<void> {
  const { signal, ignore } = awaitInterruption()
  try {
    await announce()
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    await stop(running)
    ignore()
  }
}

const LAST_BYTES_MS = 1_000

/**
 * Takes no more connections, lets the runs end, gives their readers a moment to take the last bytes, and cuts what is
 * left: a browser keeps its connection open for as long as the server lets it.
 */
async function stop({ ambit, server }: Running): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await ambit.close()
  const closing = setInterval(() => server.closeIdleConnections(), 50)
  await Promise.race([closed, delay(LAST_BYTES_MS, undefined, { ref: false })])
  clearInterval(closing)
  server.closeAllConnections()
}
