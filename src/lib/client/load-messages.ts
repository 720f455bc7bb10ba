import type { UIMessage } from 'ai'
import { isAmbitError } from './ambit-error.ts'
import { askJson, pathOfMessages } from './ask.ts'
import type { AmbitTransportOptions } from './transport-options.ts'

interface Page {
  readonly messages: readonly StoredMessage[]
  readonly next: string | null
}

/** What the place of a message in its thread is told by. */
type StoredMessage = UIMessage<{ readonly ambit: { readonly id: string; readonly parent_id: string | null } }>

/**
 * What is stored of a chat, as the messages that a chat begins with: the branch that the newest message ends. Of a chat
 * that nobody has begun, or that is not this reader's to see, there are none: the server tells the two apart from nobody.
 */
export async function loadMessages(options: AmbitTransportOptions, chatId: string): Promise<readonly UIMessage[]> {
  const all: StoredMessage[] = []
  let after: string | null = null
  do {
    const page = await loadPage(options, chatId, after)
    all.push(...page.messages)
    after = page.messages.length === 0 ? null : page.next
  } while (after !== null)
  return newestBranch(all)
}

async function loadPage(options: AmbitTransportOptions, chatId: string, after: string | null): Promise<Page> {
  try {
    return (await askJson(options, { method: 'GET', path: pathOfMessages(chatId, after) })) as Page
  } catch (error) {
    if (isAmbitError(error) && error.code === 'not_found') return { messages: [], next: null }
    throw error
  }
}

/** They come in the order in which they were said, so a parent stands before its children. */
function newestBranch(all: readonly StoredMessage[]): readonly UIMessage[] {
  const byId = new Map(all.map((message) => [message.metadata?.ambit.id, message]))
  const branch: UIMessage[] = []
  let message = all.at(-1)
  while (message) {
    branch.push(message)
    const parent: string | null | undefined = message.metadata?.ambit.parent_id
    message = typeof parent === 'string' ? byId.get(parent) : undefined
  }
  return branch.toReversed()
}
