import { useSyncExternalStore } from 'react'
import { AmbitError, isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import { parseAddress, placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { addressIn, navigate } from '../address/navigation.ts'
import { addDocument } from '../api/documents.ts'
import { meQuery } from '../api/me.ts'
import { queryClient } from '../api/query-client.ts'
import { wordsOf } from '../design/problem.tsx'
import { toast } from '../design/toast.tsx'
import { home } from '../home.ts'
import { readFile } from './check-document.ts'
import { createUploadQueue, isOpen } from './upload-queue.ts'
import type { Failure, Upload } from './upload-queue.ts'

interface FileItem {
  readonly file: File
  readonly place: Place | null
  /** Who chose it: nobody else who signs in later sends it. */
  readonly subject: string
}

export type FileUpload = Upload<FileItem>

const queue = createUploadQueue(sendFile)
const places = new Map<string, Place | null>()

window.addEventListener('beforeunload', (event) => {
  if (queue.all().some(isOpen)) event.preventDefault()
})
queue.listen(tellEnd)

/** What was uploaded here since this page was loaded, or is on its way. */
export function useUploads(): readonly FileUpload[] {
  return useSyncExternalStore(queue.listen, queue.all)
}

export function addUploads(place: Place | null, subject: string, files: readonly File[]): void {
  const batch = placeKey(place)
  places.set(batch, place)
  if (!queue.all().some((upload) => upload.batch === batch && isOpen(upload))) queue.clear(batch)
  queue.add(batch, files.map((file) => ({ file, place, subject })))
}

export const { cancel: cancelUploads, retry: retryUploads, clear: clearUploads } = queue

async function sendFile({ file, place, subject }: FileItem, signal: AbortSignal): Promise<Failure> {
  const read = await readFile(file)
  if (!read.ok) return { words: read.words, again: false }
  try {
    if (queryClient.getQueryData(meQuery.queryKey)?.subject !== subject) throw new AmbitError({ code: 'unauthenticated', detail: 'You have signed out. Sign in again, then try again.' })
    await addDocument(place, read.text, signal)
    return null
  } catch (error) {
    return { words: wordsOf(error), again: !isAmbitError(error) || error.code !== 'malformed' }
  }
}

const running = new Set<string>()

/** Says what came of a batch to whoever looks at something else by now. */
function tellEnd(): void {
  const open = new Set(queue.all().filter(isOpen).map(({ batch }) => batch))
  for (const batch of running) {
    if (open.has(batch)) continue
    running.delete(batch)
    void queryClient.invalidateQueries({ queryKey: [batch, 'documents'] })
    if (!isShown(batch)) toast({ ...wordsOfEnd(queue.all().filter((upload) => upload.batch === batch)), action: { label: 'Show', act: () => navigate(addressIn(places.get(batch) ?? null, 'documents')) } })
  }
  for (const batch of open) running.add(batch)
}

function isShown(batch: string): boolean {
  const address = parseAddress(location.pathname + location.search, home.root)
  return address?.page === 'documents' && placeKey(address.place) === batch
}

function wordsOfEnd(uploads: readonly FileUpload[]): { readonly title: string; readonly bad: boolean } {
  const failed = uploads.filter(({ state }) => state === 'failed').length
  const done = uploads.filter(({ state }) => state === 'done').length
  return { title: `${done} ${done === 1 ? 'document is' : 'documents are'} uploaded${failed === 0 ? '' : `, ${failed} failed`}`, bad: failed > 0 }
}
