import type { UIMessage } from 'ai'
import type { Message } from '../../../src/lib/http/message-schema.ts'

/** What the server says of a message beside its parts. Of one that has just been streamed only the run is known. */
export type MessageFacts = Partial<Message['metadata']['ambit']>

export type AmbitMessage = UIMessage<{ readonly ambit?: MessageFacts }>

export function factsOf({ metadata }: AmbitMessage): MessageFacts {
  return metadata?.ambit ?? {}
}

/** The text of a message, as it is copied, edited and looked for. */
export function textOf({ parts }: AmbitMessage): string {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n')
}

/** The run that answers in a message; the stream names it by `start`, the stored message as an object. */
export function runOf(message: AmbitMessage): string | null {
  const run: unknown = factsOf(message).run
  if (typeof run === 'string') return run
  return typeof run === 'object' && run !== null && 'id' in run ? String(run.id) : null
}
