import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { vi } from 'vitest'
import { chatCompletions, deltaChunk } from './chat-completions.ts'
import type { Upstream } from './chat-completions.ts'
import { eventText } from './upstream.ts'

/** A model's server that says "One " to each call, and the rest when it is told to. */
export interface HeldUpstream extends Pick<Upstream, 'baseURL' | 'close'> {
  /** The call of this number, as soon as it is made. */
  call(number: number): Promise<HeldCall>
}

export interface HeldCall {
  /** Says " two three." and ends the answer. */
  finish(): void
  /** When the caller is gone. */
  readonly closed: Promise<unknown>
}

export async function heldUpstream(): Promise<HeldUpstream> {
  const calls: HeldCall[] = []
  const upstream = await chatCompletions((response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(eventText(deltaChunk({ content: 'One ' })))
    const rest = [deltaChunk({ content: 'two ' }), deltaChunk({ content: 'three.' }), deltaChunk({}, 'stop')].map(eventText).join('')
    calls.push({ finish: () => void response.end(`${rest}data: [DONE]\n\n`), closed: once(response, 'close') })
  })
  return {
    baseURL: upstream.baseURL,
    close: upstream.close,
    call: (number) =>
      vi.waitFor(() => {
        const found = calls[number - 1]
        if (!found) throw new Error(`The model was called ${calls.length} times, and not ${number}.`)
        return found
      }, { timeout: 15_000 }),
  }
}
