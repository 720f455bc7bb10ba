import { useCallback, useRef, useState } from 'react'
import { fileUrl, sendFile } from '../api/files.ts'
import { wordsOf } from '../design/problem.tsx'
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

/** The files that go with the next message. They are sent as soon as they are chosen. */
export function useAttachments() {
  const { place } = useHere()
  const [attachments, setAttachments] = useState<readonly Attachment[]>([])
  const sending = useRef(new Map<string, AbortController>())

  const settle = useCallback((key: string, change: Partial<Attachment>) => {
    sending.current.delete(key)
    setAttachments((all) => all.map((one) => (one.key === key ? { ...one, ...change } : one)))
  }, [])

  const add = useCallback((files: Iterable<File>) => {
    for (const file of files) {
      const key = crypto.randomUUID()
      const ending = new AbortController()
      sending.current.set(key, ending)
      setAttachments((all) => (all.length < MOST_FILES ? [...all, { key, name: file.name, mediaType: file.type, url: null, error: null }] : all))
      sendFile(place, file, ending.signal).then(
        (stored) => settle(key, { url: fileUrl(stored), mediaType: stored.media_type }),
        (error: unknown) => settle(key, { error: wordsOf(error) }),
      )
    }
  }, [place, settle])

  const remove = useCallback((key: string) => {
    sending.current.get(key)?.abort()
    setAttachments((all) => all.filter((one) => one.key !== key))
  }, [])

  const clear = useCallback(() => setAttachments([]), [])
  const parts = attachments.flatMap(({ url, name, mediaType }): FilePart[] => (url === null ? [] : [{ type: 'file', mediaType, filename: name, url }]))
  return { attachments, parts, settled: attachments.every(({ url }) => url !== null), add, remove, clear }
}
