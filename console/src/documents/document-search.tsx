import { Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import type { KeyboardEvent, Ref } from 'react'
import type { Address } from '../address/address.ts'
import { navigate } from '../address/navigation.ts'
import styles from './document-search.module.css'

/** Milliseconds after the last key until it is looked for. */
const PAUSE_MS = 250
const MOST_CHARS = 1_000

/** What is looked for stands in the address. */
export function DocumentSearch({ ref, address, query }: { readonly ref: Ref<HTMLInputElement>; readonly address: Address; readonly query: string }) {
  const [text, setText] = useState(query)
  const [said, setSaid] = useState(query)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  // The address has changed without this field: the back button, a link.
  if (query !== said) {
    setSaid(query)
    if (query !== text.trim()) setText(query)
  }
  // When the pause is over, another document may be open.
  const latest = useRef(address)
  useEffect(() => {
    latest.current = address
  })
  useEffect(() => () => clearTimeout(timer.current), [])
  const look = (next: string) => {
    clearTimeout(timer.current)
    const { query: _, ...rest } = latest.current.search
    navigate({ ...latest.current, search: next.trim() === '' ? rest : { ...rest, query: next.trim() } }, { replace: true })
  }
  const write = (next: string) => {
    setText(next)
    clearTimeout(timer.current)
    timer.current = setTimeout(look, PAUSE_MS, next)
  }
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'Enter') look(text)
    if (event.key === 'ArrowDown') {
      event.preventDefault()
      document.querySelector<HTMLElement>('[data-document]')?.focus()
    }
  }
  return (
    <search className={styles.search}>
      <label className={styles.field}>
        <Search size={16} aria-hidden />
        <span className="unseen">Search the documents</span>
        <input ref={ref} type="search" placeholder="Search as the model does" maxLength={MOST_CHARS} value={text} onChange={(event) => write(event.currentTarget.value)} onKeyDown={onKeyDown} />
      </label>
    </search>
  )
}
