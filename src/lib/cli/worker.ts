import type { Ambit } from '../create-ambit.ts'
import type { Command, Listening } from './command.ts'
import { loadConfig } from './load-config.ts'
import { serve } from './serve.ts'

export const worker: Command = {
  name: 'worker',
  about: 'Drive the answers of what a file exports, also those that other processes began; nothing is served.',
  argument: 'config',
  options: {},
  async run({ argument: path }, surroundings) {
    const settings = surroundings.settings()
    const { namedPort } = settings
    await serve(async () => {
      const ambit = await loadConfig(path)
      return {
        ambit,
        front: namedPort === null ? null : probesOf(ambit),
        port: namedPort ?? 0,
        begin: () => ambit.start({ drive: 'here' }),
        announce: (url) => surroundings.terminal.out(`Ambit drives answers (${path}${url === '' ? '' : `; probes at ${url}`}). Ctrl-C stops it.\n`),
      }
    }, settings, surroundings)
    return 0
  },
}

const PROBES = ['/health/live', '/health/ready', '/metrics']

/** What an orchestrator asks a process for. Everything else of the interface is not here: a worker has no door. */
function probesOf(ambit: Ambit): Listening {
  const paths = PROBES.map((path) => ambit.basePath + path)
  return {
    async fetch(request) {
      const isProbe = request.method === 'GET' && paths.includes(new URL(request.url).pathname)
      return isProbe ? ambit.fetch(request) : new Response(null, { status: 404 })
    },
  }
}
