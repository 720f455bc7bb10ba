import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { mkdir } from 'node:fs/promises'
import { promisify } from 'node:util'

/** A folder of its own, as somebody has who begins. */
export interface Folder {
  readonly path: string
  /** A program, to its end; rejects, with what it said, where it fails. */
  run(program: string, words: readonly string[], environment?: Readonly<Record<string, string>>): Promise<string>
  write(name: string, text: string): Promise<string>
  remove(): Promise<void>
}

/** Without the settings of the `npm` that runs these tests: a host's own does not have them. */
export function plainEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|AMBIT_|VITEST|NODE_(?!EXTRA_CA_CERTS))/.test(name) || name === 'npm_config_cache')
  const path = (process.env['PATH'] ?? '').split(':').filter((part) => !part.includes('node_modules')).join(':')
  return { ...(Object.fromEntries(kept) as Record<string, string>), PATH: path, npm_config_audit: 'false', npm_config_fund: 'false', npm_config_prefer_offline: 'true', npm_config_loglevel: 'error' }
}

export async function newFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'ambit-host-'))
  return {
    path,
    async run(program, words, environment = {}) {
      const { stdout } = await promisify(execFile)(program, [...words], { cwd: path, env: { ...plainEnvironment(), ...environment }, maxBuffer: 16_000_000 })
      return stdout
    },
    async write(name, text) {
      const file = join(path, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
      return file
    },
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  }
}
