import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { changeThread } from '../api/threads.ts'
import { IconButton } from '../design/button.tsx'
import { wordsOf } from '../design/problem.tsx'
import { toast } from '../design/toast.tsx'
import { useHere } from '../shell/place-context.ts'
import { factsOf } from './ambit-message.ts'
import type { AmbitMessage } from './ambit-message.ts'
import styles from './versions.module.css'

interface VersionsProps {
  readonly message: AmbitMessage
  readonly chatId: string
  /** Who only reads sees that there are others; while an answer arrives nobody leaves it for another branch. */
  readonly mayChoose: boolean
  shown(): Promise<void>
}

/** "2 of 3", and the way to the others. What is chosen is the thread's branch from then on. */
export function Versions({ message, chatId, mayChoose, shown }: VersionsProps) {
  const { place } = useHere()
  const [choosing, setChoosing] = useState(false)
  const { id = '', siblings = [] } = factsOf(message)
  if (siblings.length < 2) return null
  const at = siblings.indexOf(id)
  const choose = async (head: string | undefined) => {
    if (head === undefined || choosing) return
    setChoosing(true)
    try {
      await changeThread(place, chatId, { head })
      await shown()
    } catch (error) {
      toast({ title: 'The other version is not shown', detail: wordsOf(error), bad: true })
    } finally {
      setChoosing(false)
    }
  }
  return (
    <div className={styles.versions} role="group" aria-label="Versions">
      <IconButton small label="The version before" disabled={!mayChoose || at <= 0} onClick={() => void choose(siblings[at - 1])}><ChevronLeft size={14} /></IconButton>
      <span className={styles.count}>{at + 1} of {siblings.length}</span>
      <IconButton small label="The next version" disabled={!mayChoose || at === siblings.length - 1} onClick={() => void choose(siblings[at + 1])}><ChevronRight size={14} /></IconButton>
    </div>
  )
}
