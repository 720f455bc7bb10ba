import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ambit } from '../create-ambit.ts'
import type { Listening, Surroundings } from './command.ts'
import { urlAt } from './settings.ts'
import type { Settings } from './settings.ts'
import { awaitInterruption } from './signals.ts'

/** What is to run: an Ambit, and what listens in front of it. */
export interface Serving {
  readonly ambit: Ambit
  /** Null: nothing listens. */
  readonly front: Listening | null
  /** Where it listens, if not where the settings say. */
  readonly port?: number
  /** Opens the Ambit, where that is not simply `start()`. */
  begin?(): Promise<void>
  /** Says that it runs, and where: '' where nothing listens. */
  announce(url: string): Promise<void> | void
}

/**
 * Serves what is made until the first signal, and ends in order also where the beginning or the announcement fails.
 * The signals are taken before anything is made: the first process of a container that has no ears yet is not ended by them.
 */
export async function serve(make: () => Promise<Serving> | Serving, settings: Settings, surroundings: Surroundings): Promise<void> {
  const { signal, ignore } = awaitInterruption()
  try {
    await serveUntil(signal, await make(), settings, surroundings)
  } finally {
    ignore()
  }
}

async function serveUntil(signal: AbortSignal, serving: Serving, settings: Settings, surroundings: Surroundings): Promise<void> {
  const { ambit } = serving
  let server: Server | null = null
  try {
    if (signal.aborted) return
    // Opens the store, proves it, and only then listens: a server that answers is one that can serve.
    await (serving.begin ? serving.begin() : ambit.start())
    if (signal.aborted) return
    server = await listenTo(serving, settings, surroundings)
    await serving.announce(server ? urlAt(settings.host, (server.address() as AddressInfo).port) : '')
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    await stop(ambit, server, settings.graceMs)
  }
}

async function listenTo({ front, port }: Serving, settings: Settings, { listen }: Surroundings): Promise<Server | null> {
  return front && listen(front, { host: settings.host, port: port ?? settings.port })
}

const LAST_BYTES_MS = 1_000

/**
 * Takes no more connections, lets the runs end, gives their readers a moment to take the last bytes, and cuts what is
 * left: a browser keeps its connection open for as long as the server lets it.
 */
async function stop(ambit: Ambit, server: Server | null, graceMs: number): Promise<void> {
  if (!server) return ambit.close({ graceMs })
  const closed = once(server, 'close')
  server.close()
  await ambit.close({ graceMs })
  const closing = setInterval(() => server.closeIdleConnections(), 50)
  await Promise.race([closed, delay(LAST_BYTES_MS, undefined, { ref: false })])
  clearInterval(closing)
  server.closeAllConnections()
}
