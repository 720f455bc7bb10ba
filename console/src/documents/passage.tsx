import { useQuery } from '@tanstack/react-query'
import { ArrowUpRight } from 'lucide-react'
import { useLayoutEffect, useMemo, useRef } from 'react'
import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import { Link } from '../address/link.tsx'
import { addressIn } from '../address/navigation.ts'
import { documentQuery } from '../api/documents.ts'
import type { Document } from '../api/document.ts'
import { Empty } from '../design/empty.tsx'
import { Problem } from '../design/problem.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { useHere } from '../shell/place-context.ts'
import { DocumentText } from './document-text.tsx'
import { findPassage } from './find-passage.ts'
import styles from './passage.module.css'

/** The document that an answer cites, at the passage that its words come from. The words stand in the address, so they are anybody's: they are compared, and never shown. */
export function Passage({ documentId, words }: { readonly documentId: string; readonly words: string }) {
  const { place } = useHere()
  const document = useQuery(documentQuery(place, documentId))
  if (document.isPending) return <Skeleton lines={8} label="Loading the source" />
  if (isAmbitError(document.error) && document.error.code === 'not_found') {
    return <Empty title="This document is not there">It was deleted after the answer, or you may not see the project that it is of.</Empty>
  }
  if (!document.data) return <div className={styles.passage}><Problem error={document.error} retry={() => void document.refetch()} /></div>
  return <Shown document={document.data} words={words} />
}

function Shown({ document, words }: { readonly document: Document; readonly words: string }) {
  const { place } = useHere()
  const { id, title, body, media_type: mediaType } = document
  const marked = useMemo(() => findPassage(body, words), [body, words])
  const box = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => void box.current?.querySelector('mark')?.scrollIntoView({ block: 'center' }), [marked])
  return (
    <div ref={box} className={styles.passage}>
      <h3 className={styles.title}>{title}</h3>
      <p className={styles.line}>
        {words !== '' && !marked && <>The passage is not found in the text as it is now. </>}
        <Link to={addressIn(place, 'documents', id)}>Open the document <ArrowUpRight size={14} aria-hidden className={styles.sign} /></Link>
      </p>
      <DocumentText body={body} mediaType={mediaType} marked={marked} />
    </div>
  )
}
