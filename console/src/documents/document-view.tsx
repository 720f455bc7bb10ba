import { useQuery } from '@tanstack/react-query'
import { Check, Copy, Pencil, Trash2 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import type { Address } from '../address/address.ts'
import { Link } from '../address/link.tsx'
import { addressIn, navigate } from '../address/navigation.ts'
import { documentQuery } from '../api/documents.ts'
import type { Document } from '../api/document.ts'
import { IconButton } from '../design/button.tsx'
import { Empty } from '../design/empty.tsx'
import { Moment } from '../design/moment.tsx'
import { Problem } from '../design/problem.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { useCopy } from '../design/use-copy.ts'
import { useCommands } from '../shell/commands.ts'
import type { Command } from '../shell/commands.ts'
import { useHere, useMay } from '../shell/place-context.ts'
import { DeleteDocument } from './delete-document.tsx'
import { DocumentFrame } from './document-frame.tsx'
import { sizeOf } from './document-row.tsx'
import { DocumentText } from './document-text.tsx'
import styles from './document-view.module.css'
import { EditDocument } from './edit-document.tsx'
import { useProjectName } from './use-project-name.ts'

interface DocumentViewProps {
  readonly id: string
  readonly search: Address['search']
  close(): void
}

/** The document that the address names: read, or, with `edit`, written. */
export function DocumentView({ id, search, close }: DocumentViewProps) {
  const { place, scope } = useHere()
  const may = useMay('write')
  const document = useQuery(documentQuery(place, id))
  const gone = isAmbitError(document.error) && document.error.code === 'not_found'
  const { data } = document
  if (data && search['edit'] !== undefined && may && isOwn(data, scope)) return <EditDocument document={data} gone={gone} search={search} />
  if (data && !gone) return <Read document={data} search={search} close={close} mayEdit={may && isOwn(data, scope)} />
  return (
    <DocumentFrame title={gone ? 'Not there' : 'Document'} close={close}>
      {document.isPending && <Skeleton lines={10} label="Loading the document" />}
      {gone && <Empty title="This document is not there">It was deleted, or you may not see the project that it is of.</Empty>}
      {document.isError && !gone && <Problem error={document.error} retry={() => void document.refetch()} />}
    </DocumentFrame>
  )
}

/** A document is written where it is of; at the organisation's address, one of a project is read. */
function isOwn({ project }: Document, { project: here }: { readonly project: { readonly slug: string } | null }): boolean {
  return project === (here?.slug ?? null)
}

function Read({ document, search, close, mayEdit }: { readonly document: Document; readonly search: Address['search']; close(): void; readonly mayEdit: boolean }) {
  const { place, scope } = useHere()
  const [copied, copy] = useCopy()
  const [deleting, setDeleting] = useState(false)
  const { id, title, body, project, media_type: mediaType, chars, updated_at: changed } = document
  const edit = useMemo(() => () => navigate(addressIn(place, 'documents', id, { ...search, edit: 'yes' })), [place, id, search])
  useCommands(useMemo((): readonly Command[] => (mayEdit ? [{ id: 'edit document', group: 'Page', label: 'Edit this document', keys: 'e', act: edit }] : []), [mayEdit, edit]))
  return (
    <DocumentFrame
      title={title} close={close}
      actions={
        <>
          <IconButton label={copied ? 'Copied' : 'Copy the text'} onClick={() => copy(body)}>{copied ? <Check size={17} /> : <Copy size={17} />}</IconButton>
          {mayEdit && <IconButton label="Edit" keys="e" onClick={edit}><Pencil size={17} /></IconButton>}
          {mayEdit && <IconButton label="Delete" onClick={() => setDeleting(true)}><Trash2 size={17} /></IconButton>}
        </>
      }
    >
      <p className={styles.facts}>
        {project !== null && scope.project === null && <ProjectLink project={project} id={id} />}
        <span>{mediaType === 'text/markdown' ? 'Markdown' : 'Plain text'}</span>
        <span>{sizeOf(chars)}</span>
        <span>changed <Moment at={changed} /></span>
      </p>
      {body.trim() === '' ? <p className={styles.facts}>There is no text in it yet.</p> : <DocumentText body={body} mediaType={mediaType} />}
      {deleting && <DeleteDocument document={document} close={() => setDeleting(false)} />}
    </DocumentFrame>
  )
}

function ProjectLink({ project, id }: { readonly project: string; readonly id: string }) {
  const { place } = useHere()
  const name = useProjectName(project)
  if (place === null) return <span>of {name}</span>
  return <span>of <Link to={addressIn({ org: place.org, project }, 'documents', id)}>{name}</Link>, where it is changed</span>
}
