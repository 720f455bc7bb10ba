import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import { placeKey } from '../address/address.ts'
import type { Address } from '../address/address.ts'
import { addressIn } from '../address/navigation.ts'
import { addDocument, changeDocument } from '../api/documents.ts'
import type { Document, DocumentText, MediaType } from '../api/document.ts'
import { Button } from '../design/button.tsx'
import { Notice } from '../design/notice.tsx'
import { useHere } from '../shell/place-context.ts'
import { DocumentEditor } from './document-editor.tsx'

interface EditDocumentProps {
  /** As it stands now: somebody else may change it while it is edited. */
  readonly document: Document
  /** It was deleted meanwhile. */
  readonly gone: boolean
  readonly search: Address['search']
}

/** Changes a document as it was read, and says so where it is not that any more. */
export function EditDocument({ document, gone, search }: EditDocumentProps) {
  const { place } = useHere()
  const client = useQueryClient()
  const [base, setBase] = useState(document)
  const [text, setText] = useState<DocumentText>(() => textOf(document))
  const change = changeOf(textOf(base), text)
  const moved = document.updated_at !== base.updated_at
  const loadTheirs = () => {
    setBase(document)
    setText(textOf(document))
  }
  // Nothing of one's own would be lost.
  if (moved && change === null) loadTheirs()
  const save = async () => {
    if (gone) return addDocument(place, text)
    try {
      return await changeDocument(place, base.id, { ...change, base: base.updated_at })
    } catch (error) {
      if (isAmbitError(error) && (error.code === 'conflict' || error.code === 'not_found')) void client.invalidateQueries({ queryKey: [placeKey(place), 'document', base.id] })
      throw error
    }
  }
  const { edit: _, ...rest } = search
  return (
    <DocumentEditor
      heading={`Edit “${base.title}”`} text={text} write={setText} changed={change !== null || gone} save={save} saveWords={gone ? 'Save as a new one' : 'Save'}
      blocked={moved && !gone} here={addressIn(place, 'documents', base.id, search)} back={addressIn(place, 'documents', base.id, rest)} kept={rest}
      notice={gone ? (
        <Notice tone="warn" title="This document was deleted meanwhile">What you have written is still here. Save it as a new document, or go back.</Notice>
      ) : moved && (
        <Notice
          tone="warn" urgent title="This document was changed meanwhile"
          action={<><Button small onClick={loadTheirs}>Load theirs</Button><Button small onClick={() => setBase(document)}>Keep mine</Button></>}
        >
          Load what stands there now, and lose what you have written here; or keep yours, and replace theirs when you save.
        </Notice>
      )}
    />
  )
}

function textOf({ title, body, media_type: mediaType }: Document): DocumentText {
  return { title, body, media_type: mediaType as MediaType }
}

/** Null: nothing is changed. */
function changeOf(before: DocumentText, now: DocumentText): Partial<DocumentText> | null {
  const change = {
    ...(now.title !== before.title && { title: now.title }),
    ...(now.body !== before.body && { body: now.body }),
    ...(now.media_type !== before.media_type && { media_type: now.media_type }),
  }
  return Object.keys(change).length === 0 ? null : change
}
