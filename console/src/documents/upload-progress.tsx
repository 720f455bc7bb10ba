import { placeKey } from '../address/address.ts'
import { Button } from '../design/button.tsx'
import { Progress } from '../design/progress.tsx'
import { useHere } from '../shell/place-context.ts'
import styles from './upload-progress.module.css'
import { isOpen } from './upload-queue.ts'
import { cancelUploads, clearUploads, retryUploads, useUploads } from './uploads.ts'
import type { FileUpload } from './uploads.ts'

/** So many are named; the others are counted. */
const MOST_NAMED = 100

/** How far the uploads into this place have come, and which failed, and why. */
export function UploadProgress() {
  const { place } = useHere()
  const batch = placeKey(place)
  const uploads = useUploads().filter((upload) => upload.batch === batch)
  if (uploads.length === 0) return null
  const failed = uploads.filter(({ state }) => state === 'failed')
  const open = uploads.filter(isOpen).length
  const again = failed.filter((upload) => upload.again).length
  const words = wordsOf(uploads, failed.length)
  return (
    <section className={styles.progress} aria-label="Uploads">
      <div className={styles.row}>
        <p className={styles.words}>{words}</p>
        {open === 0 && again > 0 && <Button small onClick={() => retryUploads(batch)}>Try {again === 1 ? 'it' : `${again}`} again</Button>}
        {open > 0 ? <Button small onClick={() => cancelUploads(batch)}>Cancel</Button> : <Button small look="plain" onClick={() => clearUploads(batch)}>Dismiss</Button>}
      </div>
      <Progress label="Uploads" value={uploads.length - open} most={uploads.length} />
      <div className="unseen" role="status">{open === 0 ? words : 'Uploading.'}</div>
      {failed.length > 0 && <Failed failed={failed} />}
    </section>
  )
}

function Failed({ failed }: { readonly failed: readonly FileUpload[] }) {
  return (
    <ul role="list" className={styles.failed} aria-label="Failed" tabIndex={0}>
      {failed.slice(0, MOST_NAMED).map(({ key, item, words }) => <li key={key}><b>{item.file.name}</b> {words}</li>)}
      {failed.length > MOST_NAMED && <li>and {failed.length - MOST_NAMED} more</li>}
    </ul>
  )
}

function wordsOf(uploads: readonly FileUpload[], failed: number): string {
  const done = uploads.filter(({ state }) => state === 'done').length
  const cancelled = uploads.filter(({ state }) => state === 'cancelled').length
  return [`${done} of ${uploads.length} uploaded`, failed > 0 && `${failed} failed`, cancelled > 0 && `${cancelled} cancelled`].filter(Boolean).join(', ')
}
