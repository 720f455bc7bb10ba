import { useRef, useState } from 'react'
import type { DragEvent, ReactNode } from 'react'
import { toast } from '../design/toast.tsx'
import styles from './drop-area.module.css'
import { readDrop } from './read-drop.ts'
import type { TakeFiles } from './use-upload.ts'

/** The whole page takes files that are dropped on it. Null: it takes none. */
export function DropArea({ take, children }: { readonly take: TakeFiles | null; readonly children: ReactNode }) {
  const [over, setOver] = useState(false)
  const inside = useRef(0)
  const count = (event: DragEvent, step: 1 | -1) => {
    if (take === null || !event.dataTransfer.types.includes('Files')) return
    event.preventDefault()
    inside.current += step
    setOver(inside.current > 0)
  }
  const drop = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes('Files')) return
    event.preventDefault() // else the browser leaves the page for the file
    inside.current = 0
    setOver(false)
    if (take) readDrop(event.dataTransfer).then(({ files, leftOut }) => take(files, leftOut), () => toast({ title: 'What was dropped cannot be read', detail: 'Choose the files with the button.', bad: true }))
  }
  return (
    <div className={styles.area} onDragEnter={(event) => count(event, 1)} onDragLeave={(event) => count(event, -1)} onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      {children}
      {over && <div className={styles.over} aria-hidden>Drop Markdown and text files here, or folders of them</div>}
    </div>
  )
}
