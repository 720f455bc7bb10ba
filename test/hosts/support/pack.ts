import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of what `npm pack` gives. */
    tarball: string
  }
}

const ROOT = join(import.meta.dirname, '../../..')
const PACKED = ['src', 'build', 'console', 'sql', 'docs', 'examples', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md', 'CHANGELOG.md', 'openapi.json', '.npmrc', '.gitignore']

/** `npm pack`, in a copy: it exchanges the manifest while it packs, and other tests read it. `AMBIT_TEST_TARBALL` names one that is there. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env['AMBIT_TEST_TARBALL']
  if (given) return void project.provide('tarball', given)
  const folder = await mkdtemp(join(tmpdir(), 'ambit-pack-'))
  await Promise.all(PACKED.map((name) => cp(join(ROOT, name), join(folder, name), { recursive: true })))
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const { stdout } = await promisify(execFile)('npm', ['pack', '--json', '--loglevel=error'], { cwd: folder })
  project.provide('tarball', join(folder, filenameOf(stdout)))
  return () => rm(folder, { recursive: true, force: true })
}

function filenameOf(output: string): string {
  const [, filename] = /"filename": "([^"]+)"/.exec(output) ?? []
  if (filename === undefined) throw new Error(`npm pack named no file: ${output}`)
  return filename
}
