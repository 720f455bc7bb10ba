import { createAmbit } from '../create-ambit.ts'
import { consoleAt } from '../http/built-console.ts'
import { createLog } from '../observe/log.ts'
import { authenticateOf } from './authenticate-of.ts'
import type { Command, Surroundings } from './command.ts'
import { serveDemo } from './demo.ts'
import { journalOf } from './journal-of.ts'
import { loadConfig } from './load-config.ts'
import { modelsOf } from './models-of.ts'
import { firstSteps } from './next-steps.ts'
import { serve } from './serve.ts'
import type { Settings } from './settings.ts'

export const start: Command = {
  name: 'start',
  about: 'Serve what a file exports (ambit.config.ts); without one, PostgreSQL where AMBIT_DATABASE_URL is set, else the demo.',
  argument: 'config',
  argumentOptional: true,
  options: {},
  async run({ argument }, surroundings) {
    const settings = surroundings.settings()
    if (argument !== '') await serveConfig(argument, settings, surroundings)
    else await (settings.databaseUrl === null ? serveDemo(settings, surroundings) : servePostgres(settings, settings.databaseUrl, surroundings))
    return 0
  },
}

async function servePostgres(settings: Settings, databaseUrl: string, surroundings: Surroundings): Promise<void> {
  const log = createLog({ level: settings.logLevel ?? 'info', destination: surroundings.terminal.logs })
  const { rolePrefix, connections } = settings
  const options = { rolePrefix, connections, ...modelsOf(settings), authenticate: authenticateOf(settings), limits: settings.limits, metrics: true, console: consoleAt('/'), log }
  const ambit = createAmbit({ store: databaseUrl, ...options, ...(await journalOf(settings, log)) })
  const announce = (url: string) => surroundings.terminal.out(firstSteps(settings, url))
  await serve(() => ({ ambit, front: ambit, announce }), settings, surroundings)
}

/** Of the settings only the address and the time to end count: everything else is in the file. */
async function serveConfig(path: string, settings: Settings, surroundings: Surroundings): Promise<void> {
  await serve(async () => {
    const ambit = await loadConfig(path)
    const hint = ambit.drive === 'elsewhere' ? ` It drives no answer itself: "ambit worker ${path}" must run, too.` : ''
    return { ambit, front: ambit, announce: (url) => surroundings.terminal.out(`Ambit runs at ${url} (${path}).${hint} Ctrl-C stops it.\n`) }
  }, settings, surroundings)
}
