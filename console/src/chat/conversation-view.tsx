import { MessageSquareOff, PanelRight } from 'lucide-react'
import { useCallback, useMemo, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import type { Address } from '../address/address.ts'
import { addressIn, navigate } from '../address/navigation.ts'
import { Button, IconButton } from '../design/button.tsx'
import { Empty } from '../design/empty.tsx'
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
import { bodyOf, useConversation } from './use-conversation.ts'

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
  const [model, setModel] = useState<string | null>(null)
  const view = useConversation({ place, chatId, fresh, model })
  const { chat, conversation, messages, status, error, stored, thread, gone, unsent } = view
  const idle = isIdle(view)
  const composer = useRef<HTMLTextAreaElement>(null)
  const show = useCallback((search: Address['search']) => navigate(addressIn(place, 'chats', address.id, search)), [place, address.id])
  const lastRun = useMemo(() => messages.map(runOf).findLast((run) => run !== null) ?? null, [messages])
  const inspected = address.search['run'] !== undefined
  const toggleInspector = useCallback(() => show(inspected || lastRun === null ? {} : { run: lastRun }), [show, inspected, lastRun])
  const stop = useMemo(() => (may ? () => void chat.stop() : null), [may, chat])

  const queue = async (outgoing: Outgoing): Promise<boolean> => {
    try {
      await queueMessage(place, chatId, outgoing, model)
      view.refresh(queuedQuery(place, null).queryKey)
      return true
    } catch (why) {
      toast({ title: 'The message does not wait', detail: wordsOf(why), bad: true })
      return false
    }
  }
  const send = async (outgoing: Outgoing): Promise<boolean> => {
    if (!idle) return queue(outgoing)
    if (unsent) {
      toast({ title: 'The message before has not arrived', detail: 'Try that one again, or edit it; then send this one.', bad: true })
      return false
    }
    if (address.id === null) begin()
    void conversation.send({ parts: [...outgoing.files, { type: 'text', text: outgoing.text }] }, bodyOf(model))
    return true
  }
  const edit = useCallback((message: AmbitMessage, text: string) => {
    const files = message.parts.filter((part) => part.type === 'file')
    void conversation.send({ parts: [...files, { type: 'text', text }], messageId: message.id }, bodyOf(model))
  }, [conversation, model])
  const again = useCallback((message?: AmbitMessage) => void conversation.again({ ...(message && { messageId: message.id }), ...bodyOf(model) }), [conversation, model])
  const choose = useCallback(() => conversation.reload(), [conversation])
  const inspect = useCallback((run: string) => show({ run }), [show])
  const open = useCallback(({ id, words }: { readonly id: string; readonly words: string }) => show({ document: id, cited: words }), [show])

  useCommands(useMemo((): readonly Command[] => [
    { id: 'compose', group: 'Chat', label: 'Write a message', keys: '/', act: () => composer.current?.focus() },
    ...(lastRun === null ? [] : [{ id: 'inspect', group: 'Chat', label: 'Show or hide what the run did', keys: 'mod+i', act: toggleInspector } as const]),
    ...(idle || stop === null ? [] : [{ id: 'stop', group: 'Chat', label: 'Stop the answer', keys: 'mod+.', act: stop } as const]),
  ], [lastRun, toggleInspector, idle, stop]))

  if (gone) return <Gone before={before} />
  const waiting = !fresh && stored.isPending && messages.length === 0
  const failed = stored.isError && messages.length === 0
  const title = thread?.title || (messages.length > 0 ? 'New chat' : `Ask in ${placeName(scope)}`)
  const refusal = may ? (scope.chat_refusal?.detail ?? null) : 'Your role here reads, it does not ask. An admin can give you the member role.'
  return (
    <>
      <Page
        filled title={title} before={before}
        actions={
          <>
            {thread && <ThreadMenu thread={thread} />}
            {lastRun !== null && <IconButton label="What the run did" keys="mod+i" aria-pressed={inspected} onClick={toggleInspector}><PanelRight size={18} /></IconButton>}
          </>
        }
      >
        {waiting && <Skeleton lines={6} label="Loading the messages" />}
        {failed && <Problem error={stored.error} retry={() => void stored.refetch()} />}
        {!waiting && !failed && messages.length === 0 && <Suggestions mayAsk={refusal === null} ask={(text) => void send({ text, files: [] })} />}
        {messages.length > 0 && (
          <MessageList messages={messages} status={status} chatId={chatId} mayChat={may && idle} edit={edit} again={again} choose={choose} inspect={inspect} open={open} />
        )}
        {error && <ChatProblem error={error} unsent={unsent} again={again} reload={view.catchUp} />}
        {thread && <QueuedMessages threadId={thread.id} chatId={chatId} after={lastNumber(messages)} />}
        <Composer ref={composer} chatId={chatId} running={!idle} refusal={refusal} model={model} chooseModel={setModel} send={send} stop={stop} />
      </Page>
      <BesideChat search={address.search} close={() => show({})} />
    </>
  )
}

/** Deleted, taken back by its author or never begun: whoever may not see a chat is not told which. */
function Gone({ before }: { readonly before: ReactNode }) {
  const { place } = useHere()
  return (
    <Page title="No such chat" before={before}>
      <Empty icon={<MessageSquareOff size={32} />} title="This chat is not here" action={<Button look="solid" onClick={() => navigate(addressIn(place, 'chats'))}>New chat</Button>}>
        It was deleted, its author has taken it back, or nothing was asked in it.
      </Empty>
    </Page>
  )
}

function lastNumber(messages: readonly AmbitMessage[]): number {
  return messages.map((message) => factsOf(message).number).findLast((number) => number !== undefined) ?? 0
}
