import { X } from 'lucide-react'
import { IconButton } from '../design/button.tsx'
import styles from './attachment-list.module.css'
import type { Attachment } from './use-attachments.ts'

/** The files that go with the next message, and why one of them cannot. */
export function AttachmentList({ attachments, remove }: { readonly attachments: readonly Attachment[]; remove(key: string): void }) {
  return (
    <ul role="list" className={styles.files} aria-label="Attached files">
      {attachments.map(({ key, name, url, error }) => (
        <li key={key} className={styles.file} data-state={error !== null ? 'failed' : url === null ? 'sending' : 'sent'}>
          <span className={styles.name}>{name}</span>
          <span className={styles.state} role={error === null ? undefined : 'alert'}>{error ?? (url === null ? 'sending …' : '')}</span>
          <IconButton small label={`Remove ${name}`} onClick={() => remove(key)}><X size={14} /></IconButton>
        </li>
      ))}
    </ul>
  )
}
