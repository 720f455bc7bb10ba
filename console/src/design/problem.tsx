import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import { Button } from './button.tsx'
import { Notice } from './notice.tsx'
import styles from './problem.module.css'

/** A refusal or a fault in plain words, with what to do, and by what the log is searched. */
export function Problem({ error, retry }: { readonly error: unknown; retry?(): void }) {
  return (
    <Notice tone="bad" urgent action={retry && <Button small onClick={retry}>Try again</Button>}>
      <p>{wordsOf(error)}</p>
      {isAmbitError(error) && error.requestId !== undefined && <p className={styles.id}>Request {error.requestId}</p>}
    </Notice>
  )
}

/** What a refusal says may be shown; what a fault says may not, and would tell nobody anything. */
export function wordsOf(error: unknown): string {
  return isAmbitError(error) ? error.message : 'Something went wrong on this page. Try again; if it stays, load the page again.'
}
