import type { ObjectRef } from '../context/object-ref.ts'
import type { OnActive } from '../store/thread-rows.ts'
import type { RequestKey } from './once-per-key.ts'

/** What a person asks for: parsed from a request, and never more than this taken from one. */
export interface ChatCommand {
  /** The thread, as the client names it: an own alias or a server id. Null begins one. */
  readonly thread: string | null
  readonly trigger: 'submit' | 'regenerate'
  /** The new user message; null where the trigger is `regenerate`. */
  readonly message: UserMessage | null
  /** The message to be edited, or the answer to be given again. */
  readonly messageId: string | null
  /** The model asked for; null is the scope's default. */
  readonly model: string | null
  /** What the message is about, at most 10; absent is nothing. */
  readonly about?: readonly ObjectRef[]
  /** The answer that the new message follows; absent is the end of the chosen branch. */
  readonly parentId?: string
  /** What becomes of it while the thread is being answered; absent is what the thread says. */
  readonly onActive?: OnActive
  /** Makes it repeatable: the same key is the same run. */
  readonly key?: RequestKey
}

export interface UserMessage {
  /** The client's own id: a second message of the same id is a retry or an edit, never a second append. */
  readonly clientId: string | null
  /** May be empty where there are files. */
  readonly text: string
  /** Ids of files of the author's own, in the same place; absent is none. */
  readonly files?: readonly string[]
}
