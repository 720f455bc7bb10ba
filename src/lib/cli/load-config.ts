import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Ambit } from '../create-ambit.ts'
import { badSetting } from './settings.ts'

/**
 * The Ambit that a host's file exports, as its default or as `ambit`: the same object that the host mounts. Throws a StartError
 * where there is none; what the file itself throws is passed on as it is, since the place where it was thrown helps who wrote it.
 */
export async function loadConfig(path: string): Promise<Ambit> {
  const file = resolve(path)
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw badSetting(`There is no file ${path}. Name the one that exports what createAmbit() gave, as ambit.config.ts.`)
  const module = await importFile(path, file)
  const found = [module['default'], module['ambit']].find(isAmbit)
  if (found) return found
  throw badSetting(`${path} exports no Ambit: write "export default createAmbit({ … })", or "export const ambit = createAmbit({ … })".`)
}

async function importFile(path: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error
    throw badSetting(`This Node (${process.version}) cannot read ${path}: TypeScript needs Node 22.18 or newer. With an older one, compile it to JavaScript first.`)
  }
}

function isAmbit(value: unknown): value is Ambit {
  return typeof value === 'object' && value !== null && ['fetch', 'start', 'close'].every((name) => typeof Reflect.get(value, name) === 'function')
}
