import { Collapsible } from '@base-ui/react/collapsible'
import type { DynamicToolUIPart } from 'ai'
import { Check, ChevronRight, CircleAlert, LoaderCircle } from 'lucide-react'
import type { OpenedSource } from './answer.tsx'
import { describeCall, foundBy } from './describe-call.ts'
import styles from './tool-call.module.css'

/** A tool that the model called: what for, and what came of it. The whole of both is a click away. */
export function ToolCall({ part, open }: { readonly part: DynamicToolUIPart; open(source: OpenedSource): void }) {
  const { state } = part
  const found = foundBy(part)
  return (
    <Collapsible.Root className={styles.call}>
      <Collapsible.Trigger className={styles.head}>
        <ChevronRight size={14} aria-hidden />
        <span className={styles.what}>{describeCall(part)}</span>
        <Outcome state={state} count={found?.length ?? null} />
      </Collapsible.Trigger>
      <Collapsible.Panel className={styles.body}>
        {found && found.length > 0 && (
          <ul role="list" className={styles.found}>
            {found.map(({ id, title, snippet }) => <li key={id}><button type="button" className={styles.hit} onClick={() => open({ id, words: snippet })}><b>{title}</b> <span>{snippet}</span></button></li>)}
          </ul>
        )}
        <Raw label="Asked" value={part.input} />
        {state === 'output-available' && !found && <Raw label="Answered" value={part.output} />}
        {state === 'output-error' && <p className={styles.error}>{part.errorText}</p>}
      </Collapsible.Panel>
    </Collapsible.Root>
  )
}

function Outcome({ state, count }: { readonly state: DynamicToolUIPart['state']; readonly count: number | null }) {
  if (state === 'output-available') return <span className={styles.good}>{count === null ? <Check size={14} aria-label="done" role="img" /> : `${count} found`}</span>
  if (state === 'output-error' || state === 'output-denied') return <span className={styles.bad}><CircleAlert size={14} aria-hidden /> {state === 'output-denied' ? 'not allowed' : 'failed'}</span>
  return <LoaderCircle className={styles.spin} size={14} role="img" aria-label="under way" />
}

function Raw({ label, value }: { readonly label: string; readonly value: unknown }) {
  if (value === undefined) return null
  return <div><p className={styles.label}>{label}</p><pre className={styles.raw} tabIndex={0}>{JSON.stringify(value, null, 2)}</pre></div>
}
