import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { ThreadAddress } from '../store/thread-rows.ts'

/** The thread that a path names, as this person finds it. */
export function addressOf(context: ChatExecutionContext, params: Readonly<Record<string, string>>): ThreadAddress {
  return { projectId: homeOf(context), userId: context.rows.userId, address: params['thread'] ?? '' }
}
