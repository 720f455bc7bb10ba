import type { ScopeEvent } from '../../../src/lib/wire/scope-event.ts'

export interface Told {
  event(event: ScopeEvent): void
  /** What happened meanwhile is not known: everything is to be asked again. */
  reload(): void
  connected(connected: boolean): void
  /** The server answers, and will not be followed: a right was taken away, or it is busy. It is asked again after a while. */
  refused(): void
}

const FIRST_DELAY_MS = 1_000
const MOST_DELAY_MS = 30_000

/**
 * Follows what happens in a place, until the answer is called. A browser opens six connections to one host over HTTP/1.1,
 * so of all tabs that show a place one follows, and tells the others; when it goes, another takes its turn.
 */
export function followScope(url: string, told: Told): () => void {
  const ending = new AbortController()
  if (!('locks' in navigator)) return followAlone(url, told) // plain http on a network: no page is told of another
  const channel = new BroadcastChannel(`ambit-events:${url}`)
  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => deliver(data, told))
  const tell = (message: Message) => {
    deliver(message, told)
    channel.postMessage(message)
  }
  const leading = navigator.locks.request(`ambit-events:${url}`, { signal: ending.signal }, () => new Promise<void>((resolve) => {
    const stop = followAlone(url, { event: (event) => tell({ event }), reload: () => tell({ reload: true }), connected: (connected) => tell({ connected }), refused: () => tell({ refused: true }) })
    ending.signal.addEventListener('abort', () => {
      stop()
      resolve()
    }, { once: true })
  }))
  leading.catch((error: unknown) => {
    if (!ending.signal.aborted) throw error // given up while it waited its turn
  })
  return () => {
    ending.abort()
    channel.close()
  }
}

type Message = { readonly event: ScopeEvent } | { readonly reload: true } | { readonly refused: true } | { readonly connected: boolean }

function deliver(message: Message, told: Told): void {
  if ('event' in message) told.event(message.event)
  else if ('reload' in message) told.reload()
  else if ('refused' in message) told.refused()
  else told.connected(message.connected)
}

/** An EventSource comes back by itself after a lost connection, with the last id; after a refusal it does not, and a new one begins. */
function followAlone(url: string, told: Told): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let delayMs = FIRST_DELAY_MS
  let first = true

  const open = () => {
    const opened = new EventSource(url)
    source = opened
    opened.addEventListener('open', () => {
      delayMs = FIRST_DELAY_MS
      told.connected(true)
      if (!first) told.reload()
      first = false
    })
    opened.addEventListener('message', ({ data }: MessageEvent<string>) => told.event(JSON.parse(data) as ScopeEvent))
    opened.addEventListener('error', () => {
      told.connected(false)
      if (opened.readyState !== EventSource.CLOSED) return
      told.refused()
      timer = setTimeout(open, delayMs)
      delayMs = Math.min(2 * delayMs, MOST_DELAY_MS)
    })
  }

  open()
  return () => {
    clearTimeout(timer)
    source?.close()
  }
}
