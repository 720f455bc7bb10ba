import { useCallback, useRef, useState } from 'react'
import { fileUrl, sendFile } from '../api/files.ts'
import { newId } from '../api/new-id.ts'
import { wordsOf } from '../design/problem.tsx'
import { toast } from '../design/toast.tsx'
import { useHere } from '../shell/place-context.ts'

/** Of one message. */
export const MOST_FILES = 10

export interface Attachment {
  readonly key: string
  readonly name: string
  readonly mediaType: string
  /** Null: on its way. */
  readonly url: string | null
  /** Why it did not arrive. */
  readonly error: string | null
}

export interface FilePart {
  readonly type: 'file'
  readonly mediaType: string
  readonly filename: string
  readonly url: string
}

/** The files that go with the next message. They are sent as soon as they are chosen. `blind`: the model's name, where it takes no images. */
export function useAttachments(blind: string | null) {
  const { place } = useHere()
  const [attachments, setAttachments] = useState<readonly Attachment[]>([])
  const sending = useRef(new Map<string, AbortController>())

  const settle = useCallback((key: string, change: Partial<Attachment>) => {
    sending.current.delete(key)
    setAttachments((all) => all.map((one) => (one.key === key ? { ...one, ...change } : one)))
  }, [])

  const add = useCallback((files: Iterable<File>) => {
    const room = MOST_FILES - attachments.length
    const [taken, left] = [[...files].slice(0, room), [...files].slice(room)]
    if (left.length > 0) toast({ title: `A message takes ${MOST_FILES} files`, detail: `Not attached: ${left.map(({ name }) => name).join(', ')}`, bad: true })
    const begun = taken.map((file) => ({ file, key: newId(), ending: new AbortController() }))
    setAttachments((all) => [...all, ...begun.map(({ key, file }): Attachment => ({ key, name: file.name, mediaType: file.type, url: null, error: null }))])
    for (const { file, key, ending } of begun) {
      sending.current.set(key, ending)
      sendFile(place, file, ending.signal).then(
        (stored) => settle(key, { url: fileUrl(stored), mediaType: stored.media_type }),
        (error: unknown) => settle(key, { error: wordsOf(error) }),
      )
    }
  }, [place, settle, attachments.length])

  const remove = useCallback((key: string) => {
    sending.current.get(key)?.abort()
    setAttachments((all) => all.filter((one) => one.key !== key))
  }, [])

  const clear = useCallback(() => setAttachments([]), [])
  const shown = attachments.map((one): Attachment => (blind !== null && one.mediaType.startsWith('image/') ? { ...one, error: one.error ?? `${blind} takes no images. Remove it, or choose another model.` } : one))
  const parts = attachments.flatMap(({ url, name, mediaType }): FilePart[] => (url === null ? [] : [{ type: 'file', mediaType, filename: name, url }]))
  return { attachments: shown, parts, settled: shown.every(({ url, error }) => url !== null && error === null), add, remove, clear }
}
