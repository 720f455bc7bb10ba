import { FilePlus2, Upload } from 'lucide-react'
import { useCallback, useMemo, useRef } from 'react'
import { addressIn, navigate } from '../address/navigation.ts'
import { Button } from '../design/button.tsx'
import { Page } from '../design/page.tsx'
import { useCommands } from '../shell/commands.ts'
import type { Command } from '../shell/commands.ts'
import type { PageProps } from '../shell/page-of.tsx'
import { useHere, useMay } from '../shell/place-context.ts'
import { DocumentList } from './document-list.tsx'
import { DocumentSearch } from './document-search.tsx'
import { DocumentView } from './document-view.tsx'
import styles from './documents-page.module.css'
import { DropArea } from './drop-area.tsx'
import { NewDocument } from './new-document.tsx'
import { UploadButton } from './upload-button.tsx'
import { UploadProgress } from './upload-progress.tsx'
import { useUpload } from './use-upload.ts'

/** What there is to read in a place: the list, and beside it the document that the address names. On a narrow screen it lies over the list. */
export function DocumentsPage({ address, before }: PageProps) {
  const { place } = useHere()
  const may = useMay('write')
  const { id, search } = address
  const query = search['query'] ?? ''
  const kept = useMemo(() => (query === '' ? {} : { query }), [query])
  const upload = useUpload()
  const searchField = useRef<HTMLInputElement>(null)
  const close = useCallback(() => navigate(addressIn(place, 'documents', null, kept)), [place, kept])
  const begin = useCallback(() => navigate(addressIn(place, 'documents', null, { ...kept, new: 'yes' })), [place, kept])
  const beside = id !== null ? <DocumentView key={id} id={id} search={search} close={close} /> : search['new'] !== undefined && may ? <NewDocument kept={kept} /> : null

  useCommands(useMemo((): readonly Command[] => [
    { id: 'search documents', group: 'Page', label: 'Search the documents', keys: '/', act: () => searchField.current?.focus() },
    ...(may ? [{ id: 'new document', group: 'Page', label: 'New document', keys: 'n', act: begin } as const] : []),
  ], [may, begin]))

  return (
    <DropArea take={may ? upload : null}>
      <div className={styles.list} data-covered={beside !== null || undefined}>
        <Page
          filled title="Documents" before={before}
          actions={may && <><Button small onClick={begin}><FilePlus2 size={15} aria-hidden /> New</Button><UploadButton take={upload}><Upload size={15} aria-hidden /> Upload</UploadButton></>}
        >
          <div className={styles.tools}>
            <DocumentSearch ref={searchField} address={address} query={query} />
            <UploadProgress />
          </div>
          <DocumentList query={query} chosen={id} search={kept} add={may ? upload : null} />
        </Page>
      </div>
      {beside !== null && <div className={styles.beside}>{beside}</div>}
    </DropArea>
  )
}
