import { Collapsible } from '@base-ui/react/collapsible'
import { ChevronRight } from 'lucide-react'
import styles from './tool-call.module.css'

/** What the model thought aloud, for whoever wants to know. */
export function Reasoning({ text, arriving }: { readonly text: string; readonly arriving: boolean }) {
  if (text.trim() === '') return null
  return (
    <Collapsible.Root className={styles.call}>
      <Collapsible.Trigger className={styles.head}><ChevronRight size={14} aria-hidden /> {arriving ? 'Thinking …' : 'Thoughts'}</Collapsible.Trigger>
      <Collapsible.Panel className={styles.body}><p className={styles.prose}>{text}</p></Collapsible.Panel>
    </Collapsible.Root>
  )
}
