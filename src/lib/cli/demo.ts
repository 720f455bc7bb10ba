import { createAmbit } from '../create-ambit.ts'
import type { Ambit } from '../create-ambit.ts'
import { demoWorld } from '../demo/demo-world.ts'
import type { NewId } from '../directory/new-id.ts'
import { consoleAt } from '../http/built-console.ts'
import { createDemoDoor, isDemoRequest } from '../http/demo-door.ts'
import { createOperatorDoor, isOperatorRequest } from '../http/operator-door.ts'
import { createLog } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import { authenticateOf } from './authenticate-of.ts'
import type { Command, Listening, Surroundings } from './command.ts'
import { writeDemo } from './demo-file.ts'
import type { Demo } from './demo-file.ts'
import { journalOf } from './journal-of.ts'
import { modelsOf } from './models-of.ts'
import { demoSteps } from './next-steps.ts'
import { openDemo } from './open-embedded.ts'
import type { OpenEmbedded } from './open-embedded.ts'
import { operatorWork } from './operator-work.ts'
import { serve } from './serve.ts'
import { findServer, newSecret, removeServerNote, writeServerNote } from './server-file.ts'
import { badSetting } from './settings.ts'
import type { Settings } from './settings.ts'

export const demo: Command = {
  name: 'demo',
  about: 'Serve a demo world of two organisations from an embedded database: nothing to install, nothing to set.',
  options: {},
  async run(_, surroundings) {
    await serveDemo(surroundings.settings({ embedded: true }), surroundings)
    return 0
  },
}

/** The embedded database with the demo world in it, on this machine only. */
export async function serveDemo(settings: Settings, surroundings: Surroundings): Promise<void> {
  const { terminal, newId } = surroundings
  const { directory } = settings
  mustBeLoopback(settings.host)
  const [models, authenticate] = [modelsOf(settings), authenticateOf(settings)]
  await refuseSecond(settings)
  // Newcomers run this in a terminal, where a JSON line per request would bury what they are told.
  const log = createLog({ level: settings.logLevel ?? (terminal.interactive ? 'warn' : 'info'), destination: terminal.logs })
  const journal = await journalOf(settings, log)
  const embedded = await openDemo(settings, terminal, newId)
  const { people } = embedded.demo
  const secret = newSecret()
  const ambit = createAmbit({ store: { open: async () => embedded.database }, ...models, authenticate, limits: settings.limits, metrics: true, console: consoleAt('/'), log, ...journal })
  const front = withDoors(ambit, embedded, { secret, people, log, newId })
  const announce = async (url: string) => {
    await writeDemo(directory, { url, people })
    await writeServerNote(directory, { url, pid: process.pid, secret })
    terminal.out(demoSteps(settings, { url, people }))
  }
  await serve(() => ({ ambit, front, announce }), settings, surroundings)
  await removeServerNote(directory)
}

interface DoorParts {
  readonly secret: string
  readonly people: Demo['people']
  readonly log: Log
  readonly newId: NewId
}

/** What stands in front of the interface here, and in no other start. */
function withDoors(ambit: Ambit, { handles }: OpenEmbedded, { secret, people, log, newId }: DoorParts): Listening {
  const newRequestId = () => newId('req')
  const operator = createOperatorDoor({ secret, log, newRequestId, perform: operatorWork({ handles, newId, served: true }) })
  const names = new Map(demoWorld.people.map(({ id, name }) => [id, name]))
  const shown = Object.entries(people).map(([id, person]) => ({ id, name: names.get(id) ?? id, ...person }))
  const asSomebody = createDemoDoor({ people: shown, log, newRequestId, fetch: ambit.fetch })
  return {
    async fetch(request, peer) {
      if (isOperatorRequest(request)) return operator(request, peer.address)
      return isDemoRequest(request) ? asSomebody(request, peer.address) : ambit.fetch(request)
    },
  }
}

/** The demo's keys lie in a file, and its doors trust this machine: neither is for a network. */
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
