import { createContext, useContext, useEffect } from 'react'

/** What stands after a page's own title in that of the tab: where one is. */
export const TitleContext = createContext('Ambit')

/** Of pages that stand beside each other, the tab is named after the last that was opened. */
const open: { readonly words: string }[] = []

/** Names the tab after a page for as long as it is there (WCAG 2.2, 2.4.2). Null: it has another name. */
export function useTitle(title: string | null): void {
  const where = useContext(TitleContext)
  useEffect(() => {
    if (title === null) return undefined
    const entry = { words: `${title} · ${where}` }
    open.push(entry)
    paint()
    return () => {
      open.splice(open.indexOf(entry), 1)
      paint()
    }
  }, [title, where])
}

function paint(): void {
  document.title = open.at(-1)?.words ?? 'Ambit'
}
