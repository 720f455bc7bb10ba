import { Check, Copy } from 'lucide-react'
import { useId } from 'react'
import { Button } from '../design/button.tsx'
import { useCopy } from '../design/use-copy.ts'
import styles from './copy-text.module.css'

/** A text that is to be taken elsewhere as it stands. */
export function CopyText({ label, text, first = false, onCopy }: { readonly label: string; readonly text: string; readonly first?: boolean; onCopy?(): void }) {
  const id = useId()
  const [copied, copy] = useCopy()
  const take = () => {
    copy(text)
    onCopy?.()
  }
  return (
    <div className={styles.frame}>
      <span id={id} className={styles.label}>{label}</span>
      <div className={styles.row}>
        <code className={styles.text} aria-labelledby={id}>{text}</code>
        <Button look={first ? 'solid' : 'outline'} aria-describedby={id} autoFocus={first} onClick={take}>
          {copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}{copied ? 'Copied' : 'Copy'}
        </Button>
      </div>
    </div>
  )
}
