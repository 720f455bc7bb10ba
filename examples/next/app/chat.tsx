'use client'

import { Chat as Conversation, useChat } from '@ai-sdk/react'
import { ambitTransport } from 'ambit/client'
import { useState } from 'react'

const transport = ambitTransport({ url: '/api/ambit' })

export function Chat() {
  // Made here and not by the hook, which would stop the answer when the component goes.
  const [chat] = useState(() => new Conversation({ transport }))
  const { messages, sendMessage, status, stop, error } = useChat({ chat })
  const [text, setText] = useState('')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void sendMessage({ text })
        setText('')
      }}
    >
      {messages.map(({ id, role, parts }) => (
        <p key={id}>
          {role}: {parts.map((part) => (part.type === 'text' ? part.text : '')).join('')}
        </p>
      ))}
      {error && <p role="alert">{error.message}</p>}
      <input aria-label="Question" value={text} onChange={(event) => setText(event.target.value)} />
      {status === 'ready' || status === 'error' ? <button>Ask</button> : <button type="button" onClick={() => void stop()}>Stop</button>}
    </form>
  )
}
