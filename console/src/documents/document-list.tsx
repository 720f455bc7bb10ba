import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { FileSearch, FileText } from 'lucide-react'
import { useEffect, useRef } from 'react'
import type { KeyboardEvent, ReactNode } from 'react'
import { VList } from 'virtua'
import type { VListHandle } from 'virtua'
import type { Address } from '../address/address.ts'
import { documentListQuery, documentSearchQuery } from '../api/documents.ts'
import type { DocumentTitle } from '../api/document.ts'
import { Empty } from '../design/empty.tsx'
import { Problem } from '../design/problem.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { useHere } from '../shell/place-context.ts'
import styles from './document-list.module.css'
import { DocumentRow } from './document-row.tsx'
import { UploadButton } from './upload-button.tsx'

/** From so many rows before the end, the next page is asked for. */
const AHEAD = 30

interface DocumentListProps {
  readonly query: string
  readonly chosen: string | null
  /** What stays in the address when a document is opened. */
  readonly search: Address['search']
  /** Null: one may not add any. */
  readonly add: ((files: readonly File[]) => void) | null
}

/** The documents of this place: what a search finds, or all of them. */
export function DocumentList({ query, chosen, search, add }: DocumentListProps) {
  return query === '' ? <All chosen={chosen} search={search} add={add} /> : <Found query={query} chosen={chosen} search={search} />
}

function All({ chosen, search, add }: Omit<DocumentListProps, 'query'>) {
  const { place } = useHere()
  const documents = useInfiniteQuery(documentListQuery(place))
  const { data = [], hasNextPage, isFetchingNextPage, fetchNextPage } = documents
  const more = (list: VListHandle) => {
    if (hasNextPage && !isFetchingNextPage && list.findItemIndex(list.scrollOffset + list.viewportSize) > data.length - AHEAD) void fetchNextPage()
  }
  if (documents.isPending) return <Frame><Skeleton lines={8} label="Loading the documents" /></Frame>
  if (documents.isError && data.length === 0) return <Frame><Problem error={documents.error} retry={() => void documents.refetch()} /></Frame>
  if (data.length === 0) {
    return (
      <Empty icon={<FileText size={32} />} title="No documents yet" action={add && <UploadButton look="solid" take={add}>Upload documents</UploadButton>}>
        What is put here is what the model searches, reads and cites. {add ? 'Drop Markdown or text files anywhere on this page, or choose them.' : 'Ask a member to add some.'}
      </Empty>
    )
  }
  return <Rows documents={data} chosen={chosen} search={search} scrolled={more} />
}

function Found({ query, chosen, search }: Omit<DocumentListProps, 'add'>) {
  const { place } = useHere()
  const found = useQuery(documentSearchQuery(place, query))
  if (found.isPending) return <Frame><Skeleton lines={8} label="Searching" /></Frame>
  if (found.isError) return <Frame><Problem error={found.error} retry={() => void found.refetch()} /></Frame>
  const { documents } = found.data
  if (documents.length === 0) return <Empty icon={<FileSearch size={32} />} title="Nothing is found">The model finds nothing by these words either. Words are compared by their English stems: try another word for the same thing.</Empty>
  return (
    <>
      <p className={styles.how} role="status">What the model finds by these words, the best first{documents.length === 20 ? ': 20 at most' : ''}.</p>
      <Rows documents={documents} chosen={chosen} search={search} />
    </>
  )
}

function Frame({ children }: { readonly children: ReactNode }) {
  return <div className={styles.frame}>{children}</div>
}

interface RowsProps {
  readonly documents: readonly DocumentTitle[]
  readonly chosen: string | null
  readonly search: Address['search']
  scrolled?(list: VListHandle): void
}

function Rows({ documents, chosen, search, scrolled }: RowsProps) {
  const list = useRef<VListHandle>(null)
  const told = () => list.current && scrolled?.(list.current)
  useEffect(() => void told())
  // The rows are taller once a document stands beside them: the one that was clicked stays in view.
  const at = documents.findIndex(({ id }) => id === chosen)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (at < 0 || !box.current) return undefined
    const observer = new ResizeObserver(() => requestAnimationFrame(() => list.current?.scrollToIndex(at, { align: 'nearest' })))
    observer.observe(box.current)
    return () => observer.disconnect()
  }, [at])
  return (
    <div ref={box} className={styles.rows}>
      <VList ref={list} role="list" aria-label="Documents" onScroll={told} onKeyDown={walk} data={documents}>
        {(document) => <DocumentRow key={`${document.project} ${document.id}`} document={document} current={document.id === chosen} search={search} />}
      </VList>
    </div>
  )
}

/** Arrows go from row to row. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-document]')]
  const at = rows.indexOf(document.activeElement as HTMLElement)
  const next = rows[at + (event.key === 'ArrowDown' ? 1 : -1)]
  if (at < 0 || !next) return
  event.preventDefault()
  next.focus()
}
