import { useState } from 'react'
import type { Address } from '../address/address.ts'
import { addressIn } from '../address/navigation.ts'
import { addDocument } from '../api/documents.ts'
import type { DocumentText } from '../api/document.ts'
import { useHere } from '../shell/place-context.ts'
import { DocumentEditor } from './document-editor.tsx'

const EMPTY: DocumentText = { title: '', body: '', media_type: 'text/markdown' }

/** A document that is written by hand. */
export function NewDocument({ kept }: { readonly kept: Address['search'] }) {
  const { place } = useHere()
  const [text, setText] = useState(EMPTY)
  return (
    <DocumentEditor
      heading="New document" text={text} write={setText} changed={text.title !== '' || text.body !== ''} save={() => addDocument(place, text)} saveWords="Save"
      here={addressIn(place, 'documents', null, { ...kept, new: 'yes' })} back={addressIn(place, 'documents', null, kept)} kept={kept}
    />
  )
}
