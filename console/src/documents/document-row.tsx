import type { Address } from '../address/address.ts'
import { Link } from '../address/link.tsx'
import { addressIn } from '../address/navigation.ts'
import type { DocumentTitle } from '../api/document.ts'
import { Badge } from '../design/badge.tsx'
import { Moment } from '../design/moment.tsx'
import { useHere } from '../shell/place-context.ts'
import styles from './document-row.module.css'
import { useProjectName } from './use-project-name.ts'

/** A document in a list: what it is called, how it begins or what was found in it, and its size and age. */
export function DocumentRow({ document, current, search }: { readonly document: DocumentTitle; readonly current: boolean; readonly search: Address['search'] }) {
  const { place, scope } = useHere()
  const { id, title, project, opening, snippet, chars, updated_at: changed } = document
  return (
    <div role="listitem" className={styles.item}>
      <Link to={addressIn(place, 'documents', id, search)} className={styles.row} aria-current={current ? 'true' : undefined} data-document={id}>
        <span className={styles.title}>{title}</span>
        <span className={snippet === undefined ? styles.opening : styles.snippet}>{readable(snippet ?? opening)}</span>
        <span className={styles.facts}>
          {scope.project === null && project !== null && <ProjectBadge project={project} />}
          <span>{sizeOf(chars)}</span>
          <Moment at={changed} />
        </span>
      </Link>
    </div>
  )
}

function ProjectBadge({ project }: { readonly project: string }) {
  return <Badge>{useProjectName(project)}</Badge>
}

const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })

export function sizeOf(chars: number): string {
  return chars === 1 ? '1 character' : `${compact.format(chars)} characters`
}

/** On one line, without the marks that mean something only where Markdown is drawn. */
function readable(text: string): string {
  return text.replace(/^\s*(#{1,6}|[-*+>]|\d+[.)])\s+/gm, '').replace(/\s*\|[\s|:-]*/g, ' · ').replace(/\*\*|__|`/g, '').replace(/\s+/g, ' ').replace(/^ · | · $/g, '').trim()
}
