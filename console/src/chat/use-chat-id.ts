import { useState } from 'react'
import { placeKey } from '../address/address.ts'
import { newId } from '../api/new-id.ts'
import { useHere } from '../shell/place-context.ts'

interface ChatId {
  readonly id: string
  /** Nobody has asked anything in it, or it was begun here and not left since: there is nothing to load. */
  readonly fresh: boolean
  /** Something is asked in it: from then on its address names it. */
  begin(): void
}

/**
 * The chat that an address names, or one that begins with the first question. That one keeps its id, and with it what is being written,
 * on other pages and over a reload of the tab.
 */
export function useChatId(named: string | null): ChatId {
  const { me, place } = useHere()
  const key = `ambit-new-chat:${me.subject}:${placeKey(place)}`
  const [begun, setBegun] = useState<string | null>(null)
  const [draftId, setDraftId] = useState(() => draftIdIn(key))
  if (begun !== null && named !== begun) {
    // It was left: whoever comes back loads what has happened meanwhile, and a new chat is another one.
    setBegun(null)
    setDraftId(draftIdIn(key))
  }
  const id = named ?? draftId
  const begin = () => {
    sessionStorage.removeItem(key)
    setBegun(id)
  }
  return { id, fresh: named === null || begun === id, begin }
}

function draftIdIn(key: string): string {
  const id = sessionStorage.getItem(key) ?? newId()
  sessionStorage.setItem(key, id)
  return id
}
