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
 * What is stored of a chat, as the messages that a chat begins with: the branch that was chosen. Of a chat
 * that nobody has begun, or that is not this reader's to see, there are none: the server tells the two apart from nobody.
 */
export async function loadMessages(options: AmbitTransportOptions, chatId: string): Promise<readonly UIMessage[]> {
  const branch: StoredMessage[] = []
  let after: string | null = null
  do {
    const page = await loadPage(options, chatId, after)
    // Somebody has chosen another branch meanwhile: half of each would be a conversation that nobody had.
    if (!follows(page.messages[0], branch.at(-1))) return loadMessages(options, chatId)
    branch.push(...page.messages)
    after = page.messages.length === 0 ? null : page.next
  } while (after !== null)
  return branch
}

function follows(next: StoredMessage | undefined, last: StoredMessage | undefined): boolean {
  const parentId = next?.metadata?.ambit.parent_id
  return !last || parentId === undefined || parentId === last.metadata?.ambit.id
}

async function loadPage(options: AmbitTransportOptions, chatId: string, after: string | null): Promise<Page> {
  try {
    return (await askJson(options, { method: 'GET', path: pathOfMessages(chatId, after) })) as Page
  } catch (error) {
    if (isAmbitError(error) && error.code === 'not_found') return { messages: [], next: null }
    throw error
  }
}
