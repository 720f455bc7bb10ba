import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

interface UIMessage {
  readonly role: string
  readonly parts: readonly { readonly type: string; readonly text?: string }[]
}

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

/** Reads what `useChat` posts and asks the model for it: what both floors have to do. */
export async function askUpstream(baseURL: string, incoming: IncomingMessage): Promise<IncomingMessage> {
  const { messages } = JSON.parse(await text(incoming)) as { messages: readonly UIMessage[] }
  const body = JSON.stringify({
    model: 'bench',
    stream: true,
    messages: messages.map(({ role, parts }) => ({ role, content: parts.map((part) => part.text ?? '').join('') })),
  })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const outgoing = request(`${baseURL}/chat/completions`, { method: 'POST', agent, headers })
  outgoing.end(body)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  return answer
}
