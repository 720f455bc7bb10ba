import { execFileSync } from 'node:child_process'
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMigrationFiles } from '../src/lib/store/migration-files.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/** Compiles `src/` to `dist/`: JavaScript and types, with nothing beside them that a bundle could lose. */
export async function buildPackage(): Promise<void> {
  rmSync(dist, { recursive: true, force: true })
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  cpSync(join(root, 'src/lib/demo/documents'), join(dist, 'lib/demo/documents'), { recursive: true })
  await inlineMigrations()
  nameDeclarations()
}

/** The packed module knows the text of the migrations: a host's bundle has no `sql/` beside it. */
async function inlineMigrations(): Promise<void> {
  const files = JSON.stringify(await readMigrationFiles(), null, 2)
  writeFileSync(join(dist, 'lib/store/migration-files.js'), `const FILES = ${files}\n\nexport async function readMigrationFiles() {\n  return FILES\n}\n`)
}

/** The compiler gives JavaScript the endings of JavaScript, and leaves declarations the endings of their sources, which are not in the package. */
function nameDeclarations(): void {
  for (const file of globSync('**/*.d.ts', { cwd: dist })) {
    const path = join(dist, file)
    writeFileSync(path, readFileSync(path, 'utf8').replace(/((?:from |import\()(['"])\.[^'"]+)\.ts\2/g, '$1.js$2'))
  }
}
