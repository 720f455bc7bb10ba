import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NewId } from '../directory/new-id.ts'
import { mintDemoKeys, seedDemo } from '../demo/seed-demo.ts'
import type { Database } from '../store/database.ts'
import { embeddedStore } from '../store/embedded-store.ts'
import { openHandles } from '../store/handles.ts'
import type { Handles } from '../store/handles.ts'
import { readDemo, writeDemo } from './demo-file.ts'
import type { Demo } from './demo-file.ts'
import { urlAt } from './settings.ts'
import type { Settings } from './settings.ts'
import { dim } from './terminal.ts'
import type { Terminal } from './terminal.ts'

/**
 * The embedded database, open in this process. It can be opened once, and both an Ambit and the operator work beside it
 * need it: whoever opens it here passes `{ open: async () => database }` on, or closes it.
 */
export interface OpenEmbedded {
  readonly database: Database
  readonly handles: Handles
}

export async function openEmbedded({ directory }: Settings, terminal: Terminal): Promise<OpenEmbedded> {
  // The first start makes a database cluster: seconds in which nothing else would be seen.
  if (!existsSync(join(directory, 'database'))) terminal.err(`${dim(terminal, `Making a database in ${directory}/ (once, a few seconds) …`)}\n`)
  // The demo is begun in folders that are under version control, and keys lie in it.
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await writeFile(join(directory, '.gitignore'), '*\n')
  const database = await embeddedStore(directory).open()
  return { database, handles: openHandles(database) }
}

/** The same, with the demo world in it and the keys of its people in the file beside it. */
export async function openDemo(settings: Settings, terminal: Terminal, newId: NewId): Promise<OpenEmbedded & { readonly demo: Demo }> {
  const embedded = await openEmbedded(settings, terminal)
  try {
    return { ...embedded, demo: await ensureDemo(embedded, settings, newId) }
  } catch (error) {
    await embedded.database.close()
    throw error
  }
}

/** Where the world is new, or its file is gone, there are new keys: those that were shown once cannot be read again. */
async function ensureDemo({ handles }: OpenEmbedded, { directory, host, port }: Settings, newId: NewId): Promise<Demo> {
  const seeded = await seedDemo(handles, newId)
  const kept = seeded ? null : await readDemo(directory)
  if (kept) return kept
  const demo = { url: urlAt(host, port), people: await mintDemoKeys(handles, newId) }
  await writeDemo(directory, demo)
  return demo
}
