import { Files, FolderOpen } from 'lucide-react'
import { useRef } from 'react'
import type { ChangeEvent, ReactNode } from 'react'
import { Button } from '../design/button.tsx'
import { Menu } from '../design/menu.tsx'
import { isTaken } from './check-document.ts'
import type { TakeFiles } from './use-upload.ts'

/** Files, or all that are texts in a folder. */
export function UploadButton({ take, look = 'outline', children }: { readonly take: TakeFiles; readonly look?: 'outline' | 'solid'; readonly children: ReactNode }) {
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const asFolder = (input: HTMLInputElement | null) => {
    folder.current = input
    if (input) input.webkitdirectory = true // an attribute that React's types do not know
  }
  const chosen = ({ currentTarget }: ChangeEvent<HTMLInputElement>) => {
    const all = [...(currentTarget.files ?? [])]
    const texts = currentTarget === folder.current ? all.filter(({ name }) => isTaken(name)) : all
    take(texts, all.length - texts.length)
    currentTarget.value = ''
  }
  return (
    <>
      <input ref={files} type="file" multiple hidden accept=".md,.markdown,.txt" onChange={chosen} />
      <input ref={asFolder} type="file" hidden onChange={chosen} />
      <Menu
        trigger={<Button small look={look}>{children}</Button>}
        groups={[[
          { label: 'Files', icon: <Files size={16} />, act: () => files.current?.click() },
          { label: 'A folder', icon: <FolderOpen size={16} />, act: () => folder.current?.click() },
        ]]}
      />
    </>
  )
}
