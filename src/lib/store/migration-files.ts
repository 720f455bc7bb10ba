import { readFile, readdir } from 'node:fs/promises'

/** A numbered file of `sql/`. */
export interface MigrationFile {
  readonly name: string
  readonly text: string
}

const FOLDER = new URL('../../../sql/', import.meta.url)

/**
 * The numbered files of `sql/`, in order. A module of its own, because the packed one holds their text instead
 * (`build/build-package.ts`): a host's bundle has no `sql/` beside it.
 */
export async function readMigrationFiles(): Promise<readonly MigrationFile[]> {
  const names = (await readdir(FOLDER)).filter((name) => /^\d{4}_.+\.sql$/.test(name)).toSorted()
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(new URL(name, FOLDER), 'utf8') })))
}
