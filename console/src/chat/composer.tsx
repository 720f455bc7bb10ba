import { ArrowUp, Paperclip, Square, X } from 'lucide-react'
import { useLayoutEffect, useRef, useState } from 'react'
import type { ClipboardEvent, DragEvent, KeyboardEvent, Ref } from 'react'
import { Button, IconButton } from '../design/button.tsx'
import { Select } from '../design/select.tsx'
import { useHere } from '../shell/place-context.ts'
import styles from './composer.module.css'
import { useDraft } from './use-draft.ts'
import { useAttachments } from './use-attachments.ts'
import type { Attachment, FilePart } from './use-attachments.ts'

export interface Outgoing {
  readonly text: string
  readonly files: readonly FilePart[]
  /** Null: the place's own choice. */
  readonly model: string | null
}

interface ComposerProps {
  readonly ref: Ref<HTMLTextAreaElement>
  readonly chatId: string
  /** An answer is under way: what is sent now waits for its end. */
  readonly running: boolean
  /** Why nothing can be asked here; null: it can. */
  readonly refusal: string | null
  send(outgoing: Outgoing): void
  stop(): void
}

const TAKEN = '.txt,.md,.markdown,.csv,.json,text/*,application/json,image/png,image/jpeg,image/webp,image/gif'

/** Where one writes. Enter sends, Shift+Enter begins a line. What is written is kept for as long as the tab is open. */
export function Composer({ ref, chatId, running, refusal, send, stop }: ComposerProps) {
  const { scope } = useHere()
  const [text, setText] = useDraft(chatId)
  const [model, setModel] = useState<string | null>(null)
  const files = useAttachments()
  const picker = useRef<HTMLInputElement>(null)
  const ready = refusal === null && files.settled && (text.trim() !== '' || files.parts.length > 0)

  const submit = () => {
    if (!ready) return
    send({ text, files: files.parts, model })
    setText('')
    files.clear()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    submit()
  }
  const onPaste = ({ clipboardData }: ClipboardEvent) => files.add(clipboardData.files)
  const onDrop = (event: DragEvent) => {
    if (event.dataTransfer.files.length === 0) return
    event.preventDefault()
    files.add(event.dataTransfer.files)
  }

  return (
    <form className={styles.composer} onSubmit={(event) => { event.preventDefault(); submit() }} onDrop={onDrop} onDragOver={(event) => event.preventDefault()}>
      {files.attachments.length > 0 && <Attachments attachments={files.attachments} remove={files.remove} />}
      <Writing ref={ref} text={text} setText={setText} running={running} refusal={refusal} onKeyDown={onKeyDown} onPaste={onPaste} />
      <div className={styles.row}>
        <input ref={picker} type="file" multiple hidden accept={TAKEN} onChange={({ currentTarget }) => { files.add(currentTarget.files ?? []); currentTarget.value = '' }} />
        <IconButton label="Attach files" small disabled={refusal !== null} onClick={() => picker.current?.click()}><Paperclip size={16} /></IconButton>
        {scope.models.length > 1 && (
          <Select small label="Model" value={model ?? ''} choices={[{ value: '', label: `${scope.models[0]} (default)` }, ...scope.models.slice(1).filter((name) => !name.endsWith('*')).map((name) => ({ value: name, label: name }))]} onChange={(name) => setModel(name === '' ? null : name)} />
        )}
        <span className={styles.gap} />
        {running && <Button small onClick={stop}><Square size={12} fill="currentcolor" aria-hidden /> Stop</Button>}
        <Button type="submit" look="solid" small disabled={!ready} aria-label={running ? 'Send when the answer is there' : 'Send'}>{running ? 'Queue' : <ArrowUp size={16} />}</Button>
      </div>
    </form>
  )
}

interface WritingProps {
  readonly ref: Ref<HTMLTextAreaElement>
  readonly text: string
  readonly running: boolean
  readonly refusal: string | null
  setText(text: string): void
  onKeyDown(event: KeyboardEvent): void
  onPaste(event: ClipboardEvent): void
}

function Writing({ ref, text, setText, running, refusal, onKeyDown, onPaste }: WritingProps) {
  const own = useRef<HTMLTextAreaElement>(null)
  useLayoutEffect(() => {
    const area = own.current
    if (!area || CSS.supports('field-sizing', 'content')) return
    area.style.height = 'auto'
    area.style.height = `${area.scrollHeight}px`
  }, [text])
  return (
    <textarea
      ref={(area) => {
        own.current = area
        if (typeof ref === 'function') ref(area)
        else if (ref) ref.current = area
      }}
      className={styles.text} rows={1} maxLength={100_000} aria-label="Message" autoFocus={!matchMedia('(pointer: coarse)').matches}
      placeholder={refusal ?? (running ? 'Write what comes next' : 'Ask something')} disabled={refusal !== null} enterKeyHint="send"
      value={text} onChange={(event) => setText(event.currentTarget.value)} onKeyDown={onKeyDown} onPaste={onPaste}
    />
  )
}

function Attachments({ attachments, remove }: { readonly attachments: readonly Attachment[]; remove(key: string): void }) {
  return (
    <ul role="list" className={styles.files} aria-label="Attached files">
      {attachments.map(({ key, name, url, error }) => (
        <li key={key} className={styles.file} data-state={error !== null ? 'failed' : url === null ? 'sending' : 'sent'}>
          <span className={styles.fileName}>{name}</span>
          <span className={styles.fileState} role={error === null ? undefined : 'alert'}>{error ?? (url === null ? 'sending …' : '')}</span>
          <IconButton small label={`Remove ${name}`} onClick={() => remove(key)}><X size={14} /></IconButton>
        </li>
      ))}
    </ul>
  )
}
