import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import { Button } from '../design/button.tsx'
import { Notice } from '../design/notice.tsx'
import { wordsOf } from '../design/problem.tsx'
import styles from './chat-problem.module.css'

interface ChatProblemProps {
  readonly error: Error
  /** The question is nowhere but here. */
  readonly unsent: boolean
  /** Asks once more what has no answer. */
  again(): void
  /** Shows what is stored, and what is under way. */
  reload(): void
}

/** Why there is no answer, in plain words, and the one thing to do about it. */
export function ChatProblem({ error, unsent, again, reload }: ChatProblemProps) {
  const refusal = isAmbitError(error) ? error : null
  const stored = refusal !== null && !unsent && ['stream_lost', 'conflict', 'unreachable'].includes(refusal.code)
  const [label, act] = stored ? ['Show the answer', reload] as const : ['Try again', again] as const
  // A fault on the server ends the answer with a sentence that is meant to be read.
  const words = refusal ? wordsOf(refusal) : error.message
  const final = refusal !== null && ['forbidden', 'not_found', 'too_large', 'malformed'].includes(refusal.code)
  return (
    <div className={styles.problem}>
      <Notice tone="bad" urgent action={!final && <Button small onClick={act}>{label}</Button>}>
        <p>{words}</p>
        {refusal?.requestId !== undefined && <p className={styles.id}>Request {refusal.requestId}</p>}
      </Notice>
    </div>
  )
}
