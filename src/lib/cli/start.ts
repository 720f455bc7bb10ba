import { createAmbit } from '../create-ambit.ts'
import { createLog } from '../observe/log.ts'
import { authenticateOf } from './authenticate-of.ts'
import type { Command, Surroundings } from './command.ts'
import { serveDemo } from './demo.ts'
import { loadConfig } from './load-config.ts'
import { modelsOf } from './models-of.ts'
import { firstSteps } from './next-steps.ts'
import { run, serve } from './serve.ts'
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
  const ambit = createAmbit({ store: databaseUrl, rolePrefix, connections, ...modelsOf(settings), authenticate: authenticateOf(settings), limits: settings.limits, log })
  const running = await run(ambit, ambit, settings, surroundings)
  await serve(running, async () => surroundings.terminal.out(firstSteps(settings, running.url)))
}

/** Of the settings only the address counts: everything else is in the file. */
async function serveConfig(path: string, settings: Settings, surroundings: Surroundings): Promise<void> {
  const ambit = await loadConfig(path)
  const running = await run(ambit, ambit, settings, surroundings)
  await serve(running, async () => surroundings.terminal.out(`Ambit runs at ${running.url} (${path}). Ctrl-C stops it.\n`))
}
