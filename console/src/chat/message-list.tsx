import type { ChatStatus } from 'ai'
import { ArrowDown } from 'lucide-react'
import { useLayoutEffect, useRef, useState } from 'react'
import { VList } from 'virtua'
import type { VListHandle } from 'virtua'
import { Button } from '../design/button.tsx'
import type { AmbitMessage } from './ambit-message.ts'
import { Answer } from './answer.tsx'
import type { AnswerActions } from './answer.tsx'
import styles from './message-list.module.css'
import { Question } from './question.tsx'

interface MessageListProps extends AnswerActions {
  readonly messages: readonly AmbitMessage[]
  readonly status: ChatStatus
  readonly chatId: string
  /** Whether something may be asked now: edits and second answers are. */
  readonly mayChat: boolean
  edit(message: AmbitMessage, text: string): void
}

/** Aloud, of what is seen otherwise; an error has an alert of its own. */
const SAID: Readonly<Record<ChatStatus, string>> = { submitted: 'An answer arrives.', streaming: 'An answer arrives.', ready: 'The answer is there.', error: '' }

/** Within so many pixels of the end one is at the end. */
const AT_END = 48

/**
 * The messages of a branch. Only those in view are there, so that a thousand weigh what ten do. Whoever reads at the end stays
 * there while an answer grows; whoever has scrolled up is left where he is.
 */
export function MessageList({ messages, status, edit, mayChat, ...rest }: MessageListProps) {
  const list = useRef<VListHandle>(null)
  const atEnd = useRef(true)
  const [away, setAway] = useState(false)
  const [edited, setEdited] = useState<string | null>(null)
  const editedAt = messages.findIndex(({ id }) => id === edited)
  const toEnd = () => list.current?.scrollToIndex(messages.length - 1, { align: 'end' })
  const lastQuestion = messages.findLast(({ role }) => role === 'user')?.id

  useLayoutEffect(() => {
    atEnd.current = true // what one has just asked is what one looks at
  }, [lastQuestion])
  useLayoutEffect(() => {
    if (atEnd.current) toEnd()
  })

  const onScroll = (offset: number) => {
    const handle = list.current
    if (!handle) return
    atEnd.current = offset + handle.viewportSize >= handle.scrollSize - AT_END
    setAway(!atEnd.current)
  }

  return (
    <div className={styles.frame}>
      <VList ref={list} className={styles.list} role="log" aria-label="Messages" aria-live="off" tabIndex={0} keepMounted={editedAt < 0 ? [] : [editedAt]} onScroll={onScroll}>
        {messages.map((message, at) => {
          const last = at === messages.length - 1
          return (
            <div key={message.id} className={styles.row}>
              {message.role === 'user'
                ? <Question message={message} edit={edit} editing={message.id === edited} setEdited={setEdited} mayEdit={mayChat} choose={rest.choose} chatId={rest.chatId} />
                : <Answer message={message} arriving={last && status === 'streaming'} mayAgain={mayChat} {...rest} />}
              {last && status === 'submitted' && <p className={styles.thinking}>Thinking …</p>}
            </div>
          )
        })}
      </VList>
      {away && <Button className={styles.down} small onClick={toEnd}><ArrowDown size={14} aria-hidden /> To the end</Button>}
      <div className="unseen" role="status">{SAID[status]}</div>
    </div>
  )
}
