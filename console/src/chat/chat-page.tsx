import { addressIn, navigate } from '../address/navigation.ts'
import { useHere } from '../shell/place-context.ts'
import type { PageProps } from '../shell/page-of.tsx'
import { ConversationView } from './conversation-view.tsx'
import { useChatId } from './use-chat-id.ts'

/** One chat: the one that the address names, or one that begins with the first question. */
export function ChatPage({ address, before }: PageProps) {
  const { place } = useHere()
  const { id, fresh, begin } = useChatId(address.id)
  const beginHere = () => {
    begin()
    navigate(addressIn(place, 'chats', id))
  }
  return <ConversationView key={id} address={address} before={before} chatId={id} fresh={fresh} begin={beginHere} />
}
