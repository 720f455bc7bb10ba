import { Check, Copy, Pencil } from 'lucide-react'
import { memo, useState } from 'react'
import { Button, IconButton } from '../design/button.tsx'
import { useCopy } from '../design/use-copy.ts'
import { useHere } from '../shell/place-context.ts'
import { factsOf, textOf } from './ambit-message.ts'
import type { AmbitMessage } from './ambit-message.ts'
import { FileList } from './file-list.tsx'
import styles from './question.module.css'
import { Versions } from './versions.tsx'

interface QuestionProps {
  readonly message: AmbitMessage
  readonly chatId: string
  readonly mayEdit: boolean
  edit(message: AmbitMessage, text: string): void
  /** Shows the branch that was chosen. */
  choose(): Promise<void>
}

/** What somebody asked. Edited, it begins another branch beside this one. */
export const Question = memo(function Question({ message, chatId, mayEdit, edit, choose }: QuestionProps) {
  const { me } = useHere()
  const [editing, setEditing] = useState(false)
  const [copied, copy] = useCopy()
  const text = textOf(message)
  const author = factsOf(message).author_id
  const own = author === undefined || author === me.subject
  return (
    <article className={styles.question} aria-label={own ? 'You' : author}>
      {!own && <p className={styles.author}>{author}</p>}
      {editing ? (
        <Edit text={text} cancel={() => setEditing(false)} send={(next) => { setEditing(false); edit(message, next) }} />
      ) : (
        <div className={styles.line}>
          <div className={styles.bubble}>
            <FileList message={message} />
            <p className={styles.text}>{factsOf(message).hidden === true ? <em>This message is about a project that you may not see.</em> : text}</p>
          </div>
          <div className={styles.actions}>
            <Versions message={message} chatId={chatId} shown={choose} />
            <IconButton small label={copied ? 'Copied' : 'Copy'} onClick={() => copy(text)}>{copied ? <Check size={14} /> : <Copy size={14} />}</IconButton>
            {mayEdit && own && <IconButton small label="Edit" onClick={() => setEditing(true)}><Pencil size={14} /></IconButton>}
          </div>
        </div>
      )}
    </article>
  )
})

function Edit({ text, send, cancel }: { readonly text: string; send(text: string): void; cancel(): void }) {
  const [draft, setDraft] = useState(text)
  const empty = draft.trim() === ''
  return (
    <form
      className={styles.edit}
      onSubmit={(event) => { event.preventDefault(); if (!empty) send(draft) }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') cancel()
        if (event.key === 'Enter' && (event.metaKey || event.ctrlKey) && !empty) send(draft)
      }}
    >
      <textarea aria-label="Edit the message" rows={Math.min(12, draft.split('\n').length + 1)} maxLength={100_000} autoFocus value={draft} onChange={(event) => setDraft(event.currentTarget.value)} />
      <div className={styles.editActions}>
        <Button small onClick={cancel}>Cancel</Button>
        <Button small look="solid" type="submit" disabled={empty}>Ask again</Button>
      </div>
    </form>
  )
}
