import { join } from 'node:path'
import { z } from 'zod'
import { readPrivateJson, writePrivateJson } from './private-file.ts'

const demo = z.object({
  url: z.url(),
  people: z.record(
    z.string(),
    z.object({
      org: z.string(),
      role: z.enum(['owner', 'admin', 'member', 'viewer', 'none']),
      projects: z.array(z.string()).readonly(),
      key: z.string(),
    }),
  ),
})

/** The people of the demo and their keys: `demo.json`. */
export type Demo = z.infer<typeof demo>

export function demoPath(directory: string): string {
  return join(directory, 'demo.json')
}

export function readDemo(directory: string): Promise<Demo | null> {
  return readPrivateJson(demoPath(directory), demo)
}

export async function writeDemo(directory: string, people: Demo): Promise<void> {
  await writePrivateJson(demoPath(directory), people)
}
