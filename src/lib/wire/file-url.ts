const SCHEME = 'ambit-file:'
const ID = '[A-Za-z0-9_.:-]{1,128}'

/**
 * How a file part names its file: `ambit-file:<id>`, or the path at which it is read, `…/files/<id>`, as messages are given with
 * it. Of either, only the id counts. Nothing that could be fetched, and no data.
 */
export const FILE_URL = `^(?:${SCHEME}|/(?:[^/\\s?#]+/)*files/)${ID}$`

const NAMED = new RegExp(`(?:^${SCHEME}|/)(${ID})$`)

/** As it is stored: the same wherever it is mounted. */
export function fileUrl(id: string): string {
  return SCHEME + id
}

/** Null where the URL names no file. */
export function fileIdOf(url: string): string | null {
  return NAMED.exec(url)?.[1] ?? null
}
