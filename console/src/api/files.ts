import type { Place } from '../address/address.ts'
import { home } from '../home.ts'
import { ask, pathOf } from './request.ts'

export interface StoredFile {
  readonly id: string
  readonly name: string
  readonly media_type: string
  readonly bytes: number
}

/** By which a message names a file that was sent before it. */
const FILE_URL = 'ambit-file:'

export async function sendFile(place: Place | null, file: File, signal: AbortSignal): Promise<StoredFile> {
  const type = typeOf(file)
  return ask<StoredFile>(`${pathOf(place)}/files`, { method: 'POST', query: { name: file.name }, body: new Blob([file], { type }), signal })
}

export function fileUrl({ id }: Pick<StoredFile, 'id'>): string {
  return FILE_URL + id
}

/** Where a file of a message is read; null: nowhere that this page would ask. */
export function addressOfFile(place: Place | null, url: string): string | null {
  const files = `${home.api}${pathOf(place)}/files/`
  if (url.startsWith(FILE_URL)) return files + encodeURIComponent(url.slice(FILE_URL.length))
  return url.startsWith(files) ? url : null
}

/** By the name where that says it: some systems have no type for Markdown, and call a table a spreadsheet. */
const TYPES: Readonly<Record<string, string>> = { md: 'text/markdown', markdown: 'text/markdown', csv: 'text/csv', txt: 'text/plain' }

function typeOf({ name, type }: File): string {
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return TYPES[ending] ?? (type === '' ? 'text/plain' : type)
}
