import { PanelRight } from 'lucide-react'
import { useCallback, useMemo, useRef } from 'react'
import type { ReactNode } from 'react'
import type { Address } from '../address/address.ts'
import { addressIn, navigate } from '../address/navigation.ts'
import { IconButton } from '../design/button.tsx'
import { Page } from '../design/page.tsx'
import { Problem, wordsOf } from '../design/problem.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { toast } from '../design/toast.tsx'
import { useCommands } from '../shell/commands.ts'
import type { Command } from '../shell/commands.ts'
import { placeName, useHere, useMay } from '../shell/place-context.ts'
import { factsOf, runOf } from './ambit-message.ts'
import type { AmbitMessage } from './ambit-message.ts'
import { BesideChat } from './beside-chat.tsx'
import { ChatProblem } from './chat-problem.tsx'
import { Composer } from './composer.tsx'
import type { Outgoing } from './composer.tsx'
import { isIdle } from './conversation.ts'
import { MessageList } from './message-list.tsx'
import { queueMessage, queuedQuery } from './queued.ts'
import { QueuedMessages } from './queued-messages.tsx'
import { Suggestions } from './suggestions.tsx'
import { ThreadMenu } from './thread-menu.tsx'
import { useConversation } from './use-conversation.ts'

interface ConversationViewProps {
  readonly address: Address
  readonly before: ReactNode
  readonly chatId: string
  /** Nobody has asked anything in it yet. */
  readonly fresh: boolean
  /** Gives it an address, once something is asked. */
  begin(): void
}

/** A chat: its messages, and where one writes. */
export function ConversationView({ address, before, chatId, fresh, begin }: ConversationViewProps) {
  const { place, scope } = useHere()
  const may = useMay('write')
  const view = useConversation(place, chatId, fresh)
  const { chat, conversation, messages, status, error, stored, thread, catchUp } = view
  const idle = isIdle(view)
  const composer = useRef<HTMLTextAreaElement>(null)
  const show = useCallback((search: Address['search']) => navigate(addressIn(place, 'chats', address.id, search)), [place, address.id])
  const lastRun = useMemo(() => messages.map(runOf).findLast((run) => run !== null) ?? null, [messages])
  const inspected = address.search['run'] !== undefined
  const toggleInspector = useCallback(() => show(inspected || lastRun === null ? {} : { run: lastRun }), [show, inspected, lastRun])
  const stop = useCallback(() => void chat.stop(), [chat])

  const send = ({ text, files, model }: Outgoing) => {
    if (!idle) {
      queueMessage(place, chatId, { text, files, model }).then(() => view.refresh(queuedQuery(place, null).queryKey), (why: unknown) => toast({ title: 'The message does not wait', detail: wordsOf(why), bad: true }))
      return
    }
    if (address.id === null) begin()
    void conversation.send({ parts: [...files, { type: 'text', text }] }, { body: model === null ? {} : { model } })
  }
  const edit = useCallback((message: AmbitMessage, text: string) => {
    const files = message.parts.filter((part) => part.type === 'file')
    void conversation.send({ parts: [...files, { type: 'text', text }], messageId: message.id })
  }, [conversation])
  const again = useCallback((message: AmbitMessage) => void conversation.again({ messageId: message.id }), [conversation])
  const choose = useCallback(() => conversation.reload(), [conversation])
  const inspect = useCallback((run: string) => show({ run }), [show])
  const open = useCallback(({ id, words }: { readonly id: string; readonly words: string }) => show({ document: id, cited: words }), [show])

  useCommands(useMemo((): readonly Command[] => [
    { id: 'compose', group: 'Chat', label: 'Write a message', keys: '/', act: () => composer.current?.focus() },
    ...(lastRun === null ? [] : [{ id: 'inspect', group: 'Chat', label: 'Show or hide what the run did', keys: 'mod+i', act: toggleInspector } as const]),
    ...(idle ? [] : [{ id: 'stop', group: 'Chat', label: 'Stop the answer', keys: 'mod+.', act: stop } as const]),
  ], [lastRun, toggleInspector, idle, stop]))

  const waiting = !fresh && stored.isPending && messages.length === 0
  const failed = stored.isError && messages.length === 0
  const title = thread.data?.title || (messages.length > 0 ? 'New chat' : `Ask in ${placeName(scope)}`)
  return (
    <>
      <Page
        filled title={title} before={before}
        actions={
          <>
            {thread.data && <ThreadMenu thread={thread.data} />}
            {lastRun !== null && <IconButton label="What the run did" keys="mod+i" aria-pressed={inspected} onClick={toggleInspector}><PanelRight size={18} /></IconButton>}
          </>
        }
      >
        {waiting && <Skeleton lines={6} label="Loading the messages" />}
        {failed && <Problem error={stored.error} retry={() => void stored.refetch()} />}
        {!waiting && !failed && messages.length === 0 && <Suggestions mayAsk={may && scope.chat_refusal === null} ask={(text) => send({ text, files: [], model: null })} />}
        {messages.length > 0 && (
          <MessageList messages={messages} status={status} chatId={chatId} mayChat={may && idle} edit={edit} again={again} choose={choose} inspect={inspect} open={open} />
        )}
        {error && <ChatProblem error={error} again={() => void conversation.again()} reload={catchUp} />}
        {thread.data && <QueuedMessages threadId={thread.data.id} chatId={chatId} after={lastNumber(messages)} />}
        <Composer ref={composer} chatId={chatId} running={!idle} refusal={may ? (scope.chat_refusal?.detail ?? null) : 'Your role here reads, it does not ask. An admin can give you the member role.'} send={send} stop={stop} />
      </Page>
      <BesideChat search={address.search} close={() => show({})} />
    </>
  )
}

function lastNumber(messages: readonly AmbitMessage[]): number {
  return messages.map((message) => factsOf(message).number).findLast((number) => number !== undefined) ?? 0
}
