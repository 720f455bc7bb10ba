import { useCallback } from 'react'
import { toast } from '../design/toast.tsx'
import { useHere } from '../shell/place-context.ts'
import { addUploads } from './uploads.ts'

/** Of one choice: more at once would be more than a page can list. */
const MOST_FILES = 5_000

/** Takes files on their way into this place. `leftOut`: how many of a folder are no texts. */
export type TakeFiles = (files: readonly File[], leftOut?: number) => void

export function useUpload(): TakeFiles {
  const { place, me } = useHere()
  return useCallback((files, leftOut = 0) => {
    if (files.length > MOST_FILES) return toast({ title: `That are ${files.length} files, and ${MOST_FILES} are the most at once`, detail: 'Choose fewer of them.', bad: true })
    if (leftOut > 0) toast({ title: files.length === 0 ? 'There is no Markdown and no text in it' : `${leftOut} other ${leftOut === 1 ? 'file is' : 'files are'} left out`, detail: 'Only .md, .markdown and .txt files become documents.' })
    if (files.length > 0) addUploads(place, me.subject, files)
  }, [place, me.subject])
}
