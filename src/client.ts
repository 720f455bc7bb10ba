import type { UIMessage } from 'ai'
import { createTransport } from './lib/client/transport.ts'
import type { AmbitTransport } from './lib/client/transport.ts'
import type { AmbitTransportOptions } from './lib/client/transport-options.ts'

export { AmbitError, isAmbitError } from './lib/client/ambit-error.ts'
export type { AmbitErrorCode } from './lib/client/ambit-error.ts'
export type { Stopped } from './lib/client/stops.ts'
export type { AmbitTransport } from './lib/client/transport.ts'
export type { AmbitTransportOptions, ChatBody, ChatPlace, Fetch } from './lib/client/transport-options.ts'

/**
 * A transport for `useChat` and `Chat` of ai 7: sends what is new and never the history, takes a broken answer up again,
 * ends the run when the chat is stopped, and throws refusals as `AmbitError`.
 */
export function ambitTransport<M extends UIMessage = UIMessage>(options: AmbitTransportOptions): AmbitTransport<M> {
  return createTransport<M>(options, Math.random)
}
