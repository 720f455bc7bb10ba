import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import { wait } from '../../../src/lib/client/wait.ts'
import type { ScopeEvent } from '../../../src/lib/wire/scope-event.ts'
import { followEvents } from '../api/follow-events.ts'
import type { Reach } from '../api/follow-events.ts'

export interface Told {
  event(event: ScopeEvent): void
  /** What happened meanwhile is not known: everything is to be asked again. */
  reload(): void
  connected(connected: boolean): void
  /** The server answers, and will not be followed: a right was taken away. It is asked again after a while. */
  refused(): void
}

type Message = { readonly event: ScopeEvent; readonly id: string | null } | { readonly reload: true } | { readonly refused: true } | { readonly connected: boolean }

const REFUSED_MS = 30_000

/**
 * Follows what happens in a place, in somebody's name, until the answer is called. A browser opens six connections to one host over
 * HTTP/1.1, so of all tabs that show a place one follows, and tells the others; when it goes, another takes its turn, and goes on
 * after the last event that it was told.
 */
export function followScope(url: string, person: string, told: Told): () => void {
  const ending = new AbortController()
  const { signal } = ending
  let last: string | null = null
  const hear = (message: Message) => {
    if ('event' in message) last = message.id
    if ('reload' in message) last = null
    deliver(message, told)
  }
  if (!('locks' in navigator)) {
    void lead(url, { signal, last: () => last, tell: hear, late: false }) // plain http on a network: no page is told of another
    return () => ending.abort()
  }
  const name = `ambit-events:${person}:${url}`
  const channel = new BroadcastChannel(name)
  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => hear(data))
  const tell = (message: Message) => {
    hear(message)
    channel.postMessage(message)
  }
  takeTurn(name, signal, (late) => lead(url, { signal, last: () => last, tell, late })).catch((error: unknown) => {
    if (!signal.aborted) throw error // given up while it waited its turn
  })
  return () => {
    ending.abort()
    channel.close()
  }
}

function deliver(message: Message, told: Told): void {
  if ('event' in message) told.event(message.event)
  else if ('reload' in message) told.reload()
  else if ('refused' in message) told.refused()
  else told.connected(message.connected)
}

/** One tab after the other. `late`: another one had the turn before. */
async function takeTurn(name: string, signal: AbortSignal, work: (late: boolean) => Promise<void>): Promise<void> {
  const free = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock) await work(false)
    return lock !== null
  })
  if (!free) await navigator.locks.request(name, { signal }, () => work(true))
}

interface Leading {
  readonly signal: AbortSignal
  /** The last event that was told; null: none. */
  last(): string | null
  tell(message: Message): void
  /** Something may have happened between what the page has read and the first opening. */
  readonly late: boolean
}

/** Ends with the signal. */
async function lead(url: string, { signal, last, tell, late }: Leading): Promise<void> {
  let missed = late
  const reach = (reached: Reach) => {
    tell({ connected: reached !== 'away' })
    if (reached !== 'open') return
    // Without an event to go on after, what happened since the last opening is not told again.
    if (missed && last() === null) tell({ reload: true })
    missed = true
  }
  while (!signal.aborted) {
    try {
      for await (const events of followEvents(url, { after: last(), signal, reach })) {
        for (const { id, data } of events) tell({ event: JSON.parse(data) as ScopeEvent, id })
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isAmbitError(error)) throw error
      // Too long ago to be told again: from now on, and all is read anew.
      if (error.code === 'gone' || error.code === 'malformed') tell({ reload: true })
      else tell({ refused: true })
      await wait(error.code === 'gone' ? 0 : REFUSED_MS, signal).catch(() => {})
    }
  }
}
