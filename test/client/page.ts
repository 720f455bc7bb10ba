import { Chat } from '@ai-sdk/react'
import type { UIMessage } from 'ai'
import { onTestFinished } from 'vitest'
import { ambitTransport } from '../../src/client.ts'
import type { AmbitTransport, AmbitTransportOptions } from '../../src/client.ts'
import type { Ambit } from '../../src/index.ts'
import { must, serve } from '../support/stage.ts'
import type { Stage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

/** A request as it left the page. */
export interface Sent {
  readonly method: string
  readonly path: string
  readonly body: Readonly<Record<string, unknown>> | null
  readonly init: RequestInit
  readonly lastEventId: string | null
}

export interface Page {
  readonly url: string
  readonly port: number
  readonly transport: AmbitTransport
  readonly sent: readonly Sent[]
  /** A chat as `useChat` makes it, with all that it was told. */
  chat(id: string, messages?: UIMessage[]): Chat<UIMessage>
}

export const QUICK = { tries: 4, firstDelayMs: 1, maxDelayMs: 4 } as const

/** What the place's options are, as a page writes them. */
export const IN_APOLLO = { org: 'acme', project: 'apollo' } as const

/** A page over a real socket, in somebody's name. */
export async function openPage(stage: Stage, ambit: Pick<Ambit, 'fetch'>, options: Partial<AmbitTransportOptions> & { readonly who?: PersonName } = {}): Promise<Page> {
  const served = await serve(ambit)
  onTestFinished(() => served.close())
  const { who = 'bob', fetch: through = fetch, ...rest } = options
  const sent: Sent[] = []
  const transport = ambitTransport({
    url: served.url,
    ...IN_APOLLO,
    headers: async () => ({ authorization: `Bearer ${stage.world.keys[who]}` }),
    reconnect: QUICK,
    ...rest,
    fetch(url, init) {
      const body = typeof init.body === 'string' ? (JSON.parse(init.body) as Readonly<Record<string, unknown>>) : null
      sent.push({ method: must(init.method), path: new URL(url).pathname, body, init, lastEventId: new Headers(init.headers).get('last-event-id') })
      return through(url, init)
    },
  } as AmbitTransportOptions)
  return { url: served.url, port: served.port, transport, sent, chat: (id, messages = []) => new Chat<UIMessage>({ id, transport, messages }) }
}

export function textOf(message: UIMessage | undefined): string {
  return must(message).parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('')
}
