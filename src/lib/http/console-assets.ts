import { readFile, readdir } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { StartError } from '../store/start-error.ts'

/** A file of the console as it was built, and how it was compressed then. */
export interface ConsoleAsset {
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
  /** By content coding, the best first. */
  readonly encoded: readonly { readonly coding: 'br' | 'gzip'; readonly bytes: Uint8Array<ArrayBuffer> }[]
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
}

/** Every file of the build by its path, in memory: they are few, small, and the same for everybody. */
export async function readConsoleAssets(directory: string): Promise<ReadonlyMap<string, ConsoleAsset>> {
  const names = await listFiles(directory)
  const there = new Set(names)
  const assets = new Map<string, ConsoleAsset>()
  for (const name of names) {
    const type = TYPES[extname(name)]
    if (type !== undefined) assets.set(name.replaceAll(sep, '/'), { type, bytes: await read(directory, name), encoded: await readEncoded(directory, name, there) })
  }
  return assets
}

async function listFiles(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory, { recursive: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new StartError('no_console', 'The web console is not built. In a checkout of Ambit, "npm run console" builds it; a package has it, unless a bundler left it behind: keep "ambit" out of the bundle.', error)
  }
}

async function readEncoded(directory: string, name: string, there: ReadonlySet<string>): Promise<ConsoleAsset['encoded']> {
  const codings = [['br', '.br'], ['gzip', '.gz']] as const
  return Promise.all(codings.filter(([, ending]) => there.has(name + ending)).map(async ([coding, ending]) => ({ coding, bytes: await read(directory, name + ending) })))
}

async function read(directory: string, name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(join(directory, name)))
}
