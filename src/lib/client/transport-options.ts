/** What a request is made of, as `fetch` takes it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Beside the message: `model` chooses one of the scope's models, `about` names what the message is about. */
export interface ChatBody {
  readonly model?: string
  readonly about?: readonly { readonly type: string; readonly id: string }[]
  readonly [member: string]: unknown
}

type Given<T> = T | (() => T | Promise<T>)

/** The organisation or the project; neither where the host's `target` names the place. */
export type ChatPlace = { readonly org: string; readonly project?: string | undefined } | { readonly org?: undefined; readonly project?: undefined }

export type AmbitTransportOptions = ChatPlace & {
  /** Where Ambit is mounted: `/api/ambit`, or an absolute URL. */
  readonly url: string
  /** Absent: the global one. */
  readonly fetch?: Fetch
  /** A function is asked before each request, those that take an answer up again too: it can give a fresh token. */
  readonly headers?: Given<RequestInit['headers']>
  readonly credentials?: NonNullable<RequestInit['credentials']>
  readonly body?: Given<ChatBody>
  /** How a broken answer is taken up again. */
  readonly reconnect?: {
    /** Attempts in a row that bring nothing new; default 10, 0: none. */
    readonly tries?: number
    /** Default 250. */
    readonly firstDelayMs?: number
    /** Default 8000. */
    readonly maxDelayMs?: number
    /** Nothing came for so long, not even the heartbeat of every 15 s: the connection counts as broken. Default 45000. */
    readonly silenceMs?: number
  }
  /**
   * Whether an abort of the chat stops the run, which is what `stop()` of `useChat` means; default true. `useChat` aborts
   * in the same way when a component goes away that it made the chat for: give it a `chat` of your own, and it does not.
   */
  readonly stopOnAbort?: boolean
  /** A stop that was asked for by an abort and did not come through: the run may go on. */
  onStopFailed?(error: unknown): void
}

export async function resolveGiven<T>(given: Given<T> | undefined): Promise<T | undefined> {
  return typeof given === 'function' ? (given as () => T | Promise<T>)() : given
}
