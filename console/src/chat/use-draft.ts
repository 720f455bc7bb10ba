import { useState } from 'react'
import { useHere } from '../shell/place-context.ts'

/** What is being written in a chat: kept over a reload of the tab, in no other place and for nobody else. */
export function useDraft(chatId: string): readonly [string, (text: string) => void] {
  const { me } = useHere()
  const key = `ambit-draft:${me.subject}:${chatId}`
  const [text, setText] = useState(() => sessionStorage.getItem(key) ?? '')
  const keep = (next: string) => {
    setText(next)
    if (next === '') sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, next)
  }
  return [text, keep]
}
