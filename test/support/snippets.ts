import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

/** A fenced block of a page for people. */
export interface Snippet {
  /** `docs/identity.md:22`. */
  readonly at: string
  readonly language: string
  /** The file of this repository whose words these are: `ts file=examples/express/ambit.ts`. */
  readonly file: string | null
  readonly text: string
}

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

/** Every page for people, from the root of the repository. */
export function pages(): readonly string[] {
  return ['README.md', 'examples/README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'AGENTS.md', ...globSync('{docs,decisions}/*.md', { cwd: ROOT }), ...globSync('examples/*/README.md', { cwd: ROOT })].toSorted()
}

export function snippetsOf(page: string): readonly Snippet[] {
  const text = readPage(page)
  return [...text.matchAll(/^```([a-z]+)(?: file=(\S+))?\n([^]*?)^```$/gm)].map((found) => {
    const [, language = '', file, inside = ''] = found
    return { at: `${page}:${text.slice(0, found.index).split('\n').length}`, language, file: file ?? null, text: inside }
  })
}
