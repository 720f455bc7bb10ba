import { ArrowUp, Paperclip, Square } from 'lucide-react'
import { useLayoutEffect, useRef, useState } from 'react'
import type { ClipboardEvent, DragEvent, KeyboardEvent, Ref } from 'react'
import { namesOf } from '../api/model-names.ts'
import { Button, IconButton } from '../design/button.tsx'
import { Select } from '../design/select.tsx'
import { useHere } from '../shell/place-context.ts'
import { AttachmentList } from './attachment-list.tsx'
import styles from './composer.module.css'
import { useDraft } from './use-draft.ts'
import { useAttachments } from './use-attachments.ts'
import type { FilePart } from './use-attachments.ts'

export interface Outgoing {
  readonly text: string
  readonly files: readonly FilePart[]
}

interface ComposerProps {
  readonly ref: Ref<HTMLTextAreaElement>
  readonly chatId: string
  /** An answer is under way: what is sent now waits for its end. */
  readonly running: boolean
  /** Why nothing can be asked here; null: it can. */
  readonly refusal: string | null
  /** Null: the place's own choice. */
  readonly model: string | null
  chooseModel(model: string | null): void
  /** Whether it was taken; what was not stays written. */
  send(outgoing: Outgoing): Promise<boolean>
  /** Null: it is not this reader's to stop. */
  readonly stop: (() => void) | null
}

const TEXTS = '.txt,.md,.markdown,.csv,.json,text/plain,text/markdown,text/csv,application/json'
const IMAGES = 'image/png,image/jpeg,image/webp,image/gif'

/** Where one writes. Enter sends, Shift+Enter begins a line. What is written is kept for as long as the tab is open. */
export function Composer({ ref, chatId, running, refusal, model, chooseModel, send, stop }: ComposerProps) {
  const { scope } = useHere()
  const [text, setText] = useDraft(chatId)
  const [sending, setSending] = useState(false)
  const named = model ?? scope.models[0] ?? ''
  const takesImages = scope.image_models.includes(named)
  const files = useAttachments(takesImages ? null : named)
  const picker = useRef<HTMLInputElement>(null)
  const ready = refusal === null && !sending && files.settled && (text.trim() !== '' || files.parts.length > 0)

  const submit = async () => {
    if (!ready) return
    setSending(true)
    const taken = await send({ text, files: files.parts })
    setSending(false)
    if (!taken) return
    setText('')
    files.clear()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    void submit()
  }
  const onPaste = ({ clipboardData }: ClipboardEvent) => {
    // Of cells and paragraphs a program gives a picture, too: then the words are what was meant.
    if (!clipboardData.types.includes('text/plain')) files.add(clipboardData.files)
  }
  const onDrop = (event: DragEvent) => {
    if (event.dataTransfer.files.length === 0) return
    event.preventDefault()
    files.add(event.dataTransfer.files)
  }

  return (
    <form className={styles.composer} onSubmit={(event) => { event.preventDefault(); void submit() }} onDrop={onDrop} onDragOver={(event) => event.preventDefault()}>
      {files.attachments.length > 0 && <AttachmentList attachments={files.attachments} remove={files.remove} />}
      <Writing ref={ref} text={text} setText={setText} running={running} refusal={refusal} readOnly={sending} onKeyDown={onKeyDown} onPaste={onPaste} />
      <div className={styles.row}>
        <input ref={picker} type="file" multiple hidden accept={takesImages ? `${TEXTS},${IMAGES}` : TEXTS} onChange={({ currentTarget }) => { files.add(currentTarget.files ?? []); currentTarget.value = '' }} />
        <IconButton label="Attach files" small disabled={refusal !== null} onClick={() => picker.current?.click()}><Paperclip size={16} /></IconButton>
        <ModelChoice models={scope.models} model={model} choose={chooseModel} />
        <span className={styles.gap} />
        {running && stop && <Button small onClick={stop}><Square size={12} fill="currentcolor" aria-hidden /> Stop</Button>}
        <Button type="submit" look="solid" small disabled={!ready} aria-label={running ? 'Send when the answer is there' : 'Send'}>{running ? 'Queue' : <ArrowUp size={16} />}</Button>
      </div>
    </form>
  )
}

/** Nothing, where there is nothing to choose. */
function ModelChoice({ models, model, choose }: { readonly models: readonly string[]; readonly model: string | null; choose(model: string | null): void }) {
  const [preset, ...others] = namesOf(models)
  if (others.length === 0) return null
  const choices = [{ value: '', label: `${preset} (default)` }, ...others.map((name) => ({ value: name, label: name }))]
  return <Select small label="Model" value={model ?? ''} choices={choices} onChange={(name) => choose(name === '' ? null : name)} />
}

interface WritingProps {
  readonly ref: Ref<HTMLTextAreaElement>
  readonly text: string
  readonly running: boolean
  readonly refusal: string | null
  readonly readOnly: boolean
  setText(text: string): void
  onKeyDown(event: KeyboardEvent): void
  onPaste(event: ClipboardEvent): void
}

function Writing({ ref, text, setText, running, refusal, readOnly, onKeyDown, onPaste }: WritingProps) {
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
      placeholder={refusal ?? (running ? 'Write what comes next' : 'Ask something')} disabled={refusal !== null} readOnly={readOnly} enterKeyHint="send"
      value={text} onChange={(event) => setText(event.currentTarget.value)} onKeyDown={onKeyDown} onPaste={onPaste}
    />
  )
}
