import { useMemo, useState } from 'react'
import { addressIn, navigate } from '../address/navigation.ts'
import { useHere } from '../shell/place-context.ts'
import type { PageProps } from '../shell/page-of.tsx'
import { ConversationView } from './conversation-view.tsx'

/** One chat: the one that the address names, or one that begins with the first question. */
export function ChatPage({ address, before }: PageProps) {
  const { place } = useHere()
  const [draftId, setDraftId] = useState(() => crypto.randomUUID())
  const [begun, setBegun] = useState<string | null>(null)
  const chatId = address.id ?? draftId
  // A draft keeps its id until it is asked in; then a new chat is another one.
  if (address.id === null && begun === draftId) {
    setDraftId(crypto.randomUUID())
    setBegun(null)
  }
  const begin = useMemo(() => () => {
    setBegun(chatId)
    navigate(addressIn(place, 'chats', chatId))
  }, [place, chatId])
  return <ConversationView key={chatId} address={address} before={before} chatId={chatId} fresh={address.id === null || begun === chatId} begin={begin} />
}
