import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Eye } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { ReactNode } from 'react'
import { formatAddress, placeKey } from '../address/address.ts'
import type { Address } from '../address/address.ts'
import { addressIn, navigate } from '../address/navigation.ts'
import type { Document, DocumentText, MediaType } from '../api/document.ts'
import { Button } from '../design/button.tsx'
import { TextArea, TextField } from '../design/field.tsx'
import { Problem } from '../design/problem.tsx'
import { Select } from '../design/select.tsx'
import { useCommands } from '../shell/commands.ts'
import type { Command } from '../shell/commands.ts'
import { useHere } from '../shell/place-context.ts'
import { Unsaved } from '../shell/unsaved.tsx'
import { MOST_TITLE_CHARS, refusalOf } from './check-document.ts'
import styles from './document-editor.module.css'
import { DocumentFrame } from './document-frame.tsx'
import { DocumentText as Text } from './document-text.tsx'

interface DocumentEditorProps {
  readonly heading: string
  readonly text: DocumentText
  readonly changed: boolean
  /** What is to be decided first: nothing can be saved. */
  readonly blocked?: boolean
  readonly notice?: ReactNode
  readonly saveWords: string
  /** Where one is while one writes, and where one was before. */
  readonly here: Address
  readonly back: Address
  /** What stays in the address. */
  readonly kept: Address['search']
  write(text: DocumentText): void
  save(): Promise<Document>
}

const KINDS: readonly { readonly value: MediaType; readonly label: string }[] = [{ value: 'text/markdown', label: 'Markdown' }, { value: 'text/plain', label: 'Plain text' }]

/** Where a document is written. What is not saved is not left without a question. */
export function DocumentEditor({ heading, text, changed, blocked = false, notice, saveWords, here, back, kept, write, save }: DocumentEditorProps) {
  const { place } = useHere()
  const [preview, setPreview] = useState(false)
  const saving = useSave(save)
  const leave = () => navigate(back)
  const read = (saved: Document) => navigate(addressIn(place, 'documents', saved.id, kept), { replace: true, unasked: true })
  const refusal = refusalOf(text)
  const ready = changed && !blocked && refusal === null && text.title.trim() !== ''
  const submit = () => {
    if (!changed) leave()
    else if (ready && !saving.isPending) saving.mutate(undefined, { onSuccess: read }) // not where one has left meanwhile
  }
  useSaveCommand(submit)
  return (
    <DocumentFrame
      title={heading} close={leave}
      actions={
        <>
          <Button small look="plain" aria-pressed={preview} onClick={() => setPreview(!preview)}><Eye size={15} aria-hidden /> Preview</Button>
          <Button small look="solid" busy={saving.isPending} disabled={!ready} onClick={submit}>{saveWords}</Button>
        </>
      }
    >
      {notice}
      {saving.error && !notice && <Problem error={saving.error} retry={submit} />}
      <div className={styles.head}>
        <TextField className={styles.title} label="Title" autoFocus={text.title === ''} maxLength={MOST_TITLE_CHARS} readOnly={saving.isPending} value={text.title} onChange={({ currentTarget }) => write({ ...text, title: currentTarget.value })} />
        <Select label="Kind of text" value={text.media_type} choices={KINDS} onChange={(kind) => saving.isPending || write({ ...text, media_type: kind })} />
      </div>
      {preview
        ? <section aria-label="Preview" className={styles.preview}><Text body={text.body} mediaType={text.media_type} /></section>
        : <TextArea className={styles.body} label="Text" spellCheck autoFocus={text.title !== ''} readOnly={saving.isPending} error={refusal} value={text.body} onChange={({ currentTarget }) => write({ ...text, body: currentTarget.value })} />}
      {changed && <Unsaved what="What you have written is" keptAt={(to) => nameOf(to) === nameOf(here)} />}
    </DocumentFrame>
  )
}

/** What is looked for in the list may change while one writes. */
function nameOf(address: Address): string {
  const { query: _, ...search } = address.search
  return formatAddress({ ...address, search }, '')
}

function useSave(save: () => Promise<Document>) {
  const { place } = useHere()
  const client = useQueryClient()
  return useMutation({
    mutationFn: save,
    onSuccess: (saved) => {
      client.setQueryData([placeKey(place), 'document', saved.id], saved)
      void client.invalidateQueries({ queryKey: [placeKey(place), 'documents'] })
    },
  })
}

function useSaveCommand(submit: () => void): void {
  useCommands(useMemo((): readonly Command[] => [{ id: 'save document', group: 'Page', label: 'Save the document', keys: 'mod+s', act: submit }], [submit]))
}
