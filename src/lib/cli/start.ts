import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createAmbit } from '../create-ambit.ts'
import type { Ambit } from '../create-ambit.ts'
import type { NewId } from '../directory/new-id.ts'
import { createOperatorDoor, isOperatorRequest } from '../http/operator-door.ts'
import { createLog } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import { authenticateOf } from './authenticate-of.ts'
import type { Command, Listening, Surroundings } from './command.ts'
import { writeDemo } from './demo-file.ts'
import { modelsOf } from './models-of.ts'
import { demoSteps, firstSteps } from './next-steps.ts'
import { openDemo } from './open-embedded.ts'
import type { OpenEmbedded } from './open-embedded.ts'
import { operatorWork } from './operator-work.ts'
import { findServer, newSecret, removeServerNote, writeServerNote } from './server-file.ts'
import { badSetting, urlAt } from './settings.ts'
import type { Settings } from './settings.ts'
import { awaitInterruption } from './signals.ts'

export const start: Command = {
  name: 'start',
  about: 'Serve: on PostgreSQL where AMBIT_DATABASE_URL is set, else on an embedded database with a demo world in it.',
  options: {},
  async run(_, surroundings) {
    const settings = surroundings.settings()
    await (settings.databaseUrl === null ? serveEmbedded(settings, surroundings) : servePostgres(settings, settings.databaseUrl, surroundings))
    return 0
  },
}

/** What runs: an Ambit, and the server in front of it. */
interface Running {
  readonly ambit: Ambit
  readonly server: Server
  readonly url: string
}

async function servePostgres(settings: Settings, databaseUrl: string, surroundings: Surroundings): Promise<void> {
  const log = createLog({ level: settings.logLevel ?? 'info', destination: surroundings.terminal.logs })
  const { rolePrefix, connections } = settings
  const ambit = createAmbit({ store: databaseUrl, rolePrefix, connections, ...modelsOf(settings), authenticate: authenticateOf(settings), limits: settings.limits, log })
  const running = await run(ambit, ambit, settings, surroundings)
  await serve(running, async () => surroundings.terminal.out(firstSteps(settings, running.url)))
}

async function serveEmbedded(settings: Settings, surroundings: Surroundings): Promise<void> {
  const { terminal, newId } = surroundings
  const { directory } = settings
  mustBeLoopback(settings.host)
  const [models, authenticate] = [modelsOf(settings), authenticateOf(settings)]
  await refuseSecond(settings)
  // Newcomers run this in a terminal, where a JSON line per request would bury what they are told.
  const log = createLog({ level: settings.logLevel ?? (terminal.interactive ? 'warn' : 'info'), destination: terminal.logs })
  const embedded = await openDemo(settings, terminal, newId)
  const { people } = embedded.demo
  const secret = newSecret()
  const ambit = createAmbit({ store: { open: async () => embedded.database }, ...models, authenticate, limits: settings.limits, log })
  const running = await run(ambit, withOperatorDoor(ambit, embedded, secret, log, newId), settings, surroundings)
  const { url } = running
  await serve(running, async () => {
    await writeDemo(directory, { url, people })
    await writeServerNote(directory, { url, pid: process.pid, secret })
    terminal.out(demoSteps(settings, { url, people }))
  })
  await removeServerNote(directory)
}

/** Opens the store, proves it, and only then listens: a server that answers is one that can serve. */
async function run(ambit: Ambit, front: Listening, { host, port }: Settings, { listen }: Surroundings): Promise<Running> {
  try {
    await ambit.start()
    const server = await listen(front, { host, port })
    return { ambit, server, url: urlAt(host, (server.address() as AddressInfo).port) }
  } catch (error) {
    await ambit.close()
    throw error
  }
}

function withOperatorDoor(ambit: Ambit, { handles }: OpenEmbedded, secret: string, log: Log, newId: NewId): Listening {
  const door = createOperatorDoor({ secret, log, newRequestId: () => newId('req'), perform: operatorWork(handles, newId) })
  return { fetch: (request, peer) => (isOperatorRequest(request) ? door(request, peer.address) : ambit.fetch(request)) }
}

/** Serves until the first signal, and ends in order also where the announcement fails. */
async function serve(running: Running, announce: () => Promise<void>): Promise<void> {
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

/** The demo's keys lie in a file, and its operator door trusts this machine: neither is for a network. */
function mustBeLoopback(host: string): void {
  if (/^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1)$/.test(host)) return
  throw badSetting(`AMBIT_HOST is "${host}", but the embedded start listens on this machine only: use 127.0.0.1, or set AMBIT_DATABASE_URL to serve a network from PostgreSQL.`)
}

/** The lock would refuse it too, and could not say where the first one is. */
async function refuseSecond({ directory }: Settings): Promise<void> {
  const server = await findServer(directory)
  if (!server) return
  throw badSetting(`Ambit already runs on ${directory}/, at ${server.url} (process ${server.pid}): use that one, stop it, or choose another AMBIT_DIRECTORY.`)
}
