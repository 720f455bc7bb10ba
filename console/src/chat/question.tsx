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
  /** It is being edited: kept by the list, so that it stays when it is scrolled out of view. */
  readonly editing: boolean
  setEdited(message: string | null): void
  edit(message: AmbitMessage, text: string): void
  /** Shows the branch that was chosen. */
  choose(): Promise<void>
}

/** What somebody asked. Edited, it begins another branch beside this one. */
export const Question = memo(function Question({ message, chatId, mayEdit, editing, setEdited, edit, choose }: QuestionProps) {
  const { me } = useHere()
  const [back, setBack] = useState(false)
  const [copied, copy] = useCopy()
  const text = textOf(message)
  const { author_id: id, author_name: name } = factsOf(message)
  const own = id === undefined || id === me.subject
  const author = name ?? id
  return (
    <article className={styles.question} aria-label={own ? 'You' : author}>
      {!own && <p className={styles.author}>{author}</p>}
      {editing ? (
        <Edit text={text} maySend={mayEdit} cancel={() => { setBack(true); setEdited(null) }} send={(next) => { setEdited(null); edit(message, next) }} />
      ) : (
        <div className={styles.line}>
          <div className={styles.bubble}>
            <FileList message={message} />
            <p className={styles.text}>{factsOf(message).hidden === true ? <em>This message is about a project that you may not see.</em> : text}</p>
          </div>
          <div className={styles.actions}>
            <Versions message={message} chatId={chatId} mayChoose={mayEdit} shown={choose} />
            <IconButton small label={copied ? 'Copied' : 'Copy'} onClick={() => copy(text)}>{copied ? <Check size={14} /> : <Copy size={14} />}</IconButton>
            {mayEdit && own && <IconButton small label="Edit" autoFocus={back} onClick={() => setEdited(message.id)}><Pencil size={14} /></IconButton>}
          </div>
        </div>
      )}
    </article>
  )
})

function Edit({ text, maySend, send, cancel }: { readonly text: string; /** Not while an answer arrives. */ readonly maySend: boolean; send(text: string): void; cancel(): void }) {
  const [draft, setDraft] = useState(text)
  const ready = maySend && draft.trim() !== ''
  return (
    <form
      className={styles.edit}
      onSubmit={(event) => { event.preventDefault(); if (ready) send(draft) }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') cancel()
        if (event.key === 'Enter' && (event.metaKey || event.ctrlKey) && ready) send(draft)
      }}
    >
      <textarea aria-label="Edit the message" rows={Math.min(12, draft.split('\n').length + 1)} maxLength={100_000} autoFocus value={draft} onChange={(event) => setDraft(event.currentTarget.value)} />
      <div className={styles.editActions}>
        <Button small onClick={cancel}>Cancel</Button>
        <Button small look="solid" type="submit" disabled={!ready}>Ask again</Button>
      </div>
    </form>
  )
}
