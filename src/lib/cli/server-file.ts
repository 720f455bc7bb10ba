import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readPrivateJson, writePrivateJson } from './private-file.ts'

/** What the server on a directory tells to the commands beside it: `server.json`. */
export interface ServerNote {
  readonly url: string
  readonly pid: number
  /** Opens the operator door. New at each start. */
  readonly secret: string
}

const note = z.object({ url: z.url(), pid: z.int().positive(), secret: z.string().min(32) })

const ANSWER_MS = 2_000

export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

export async function writeServerNote(directory: string, server: ServerNote): Promise<void> {
  await writePrivateJson(pathIn(directory), server)
}

export async function removeServerNote(directory: string): Promise<void> {
  await rm(pathIn(directory), { force: true })
}

/** The server that runs on this directory, if its process is there and answers. A killed one leaves its note behind. */
export async function findServer(directory: string): Promise<ServerNote | null> {
  const found = await readPrivateJson(pathIn(directory), note)
  return found && isAlive(found.pid) && (await answers(found.url)) ? found : null
}

function pathIn(directory: string): string {
  return join(directory, 'server.json')
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(ANSWER_MS) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
