#!/usr/bin/env node
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { runCommand } from './lib/cli/run-command.ts'
import { settingsOf } from './lib/cli/settings.ts'
import { listen } from './node.ts'

const { env, stdout, stderr } = process

// Whoever reads the output may stop reading (`ambit chat … | head`): that ends the command, and is no fault of it.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
}

// An empty variable is an absent one, also for the providers' packages, which look at the environment when they are loaded.
for (const [name, value] of Object.entries(env)) if (value?.trim() === '') delete env[name]

process.exitCode = await runCommand(process.argv.slice(2), {
  terminal: {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    logs: stderr,
    interactive: stderr.isTTY,
    color: stderr.isTTY && !env['NO_COLOR'],
  },
  version: (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version,
  settings: (wanted) => settingsOf(env, wanted),
  newId: (kind) => `${kind}_${randomUUID().replaceAll('-', '')}`,
  listen,
})

// What a host's file opened, as a pool of its own, is known to nobody here: it does not keep a process that is done.
setTimeout(() => process.exit(), 500).unref()
