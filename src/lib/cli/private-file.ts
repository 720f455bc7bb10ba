import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { z } from 'zod'
import { badSetting } from './settings.ts'

/** Written whole or not at all, and for this user only (0600, also where an older file allowed more). */
export async function writePrivateJson(path: string, value: unknown): Promise<void> {
  const draft = `${path}.new`
  await rm(draft, { force: true })
  await writeFile(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  await rename(draft, path)
}

/** Null where there is none. Throws a StartError where somebody else has written to it. */
export async function readPrivateJson<T>(path: string, shape: z.ZodType<T>): Promise<T | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  const read = shape.safeParse(parseJson(text))
  if (!read.success) throw badSetting(`${path} is not as Ambit wrote it. Delete it, and the next "ambit start" writes a new one.`)
  return read.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
