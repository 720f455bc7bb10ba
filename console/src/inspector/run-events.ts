/** One event of a run, as it was sent. */
export interface RunEvent {
  readonly id: string
  readonly type: string
  readonly text: string
}

/** In memory at the most: the newest. */
export const MOST_EVENTS = 5_000

/** Follows the events of a run from the start, and answers how to end it. They are gathered: a page need not be painted for each. */
export function followRunEvents(url: string, told: (events: readonly RunEvent[]) => void, ended: () => void): () => void {
  const source = new EventSource(url)
  let gathered: RunEvent[] = []
  let frame: number | null = null
  const deliver = () => {
    frame = null
    told(gathered)
    gathered = []
  }
  source.addEventListener('message', ({ data, lastEventId }: MessageEvent<string>) => {
    if (data === '[DONE]') {
      source.close()
      ended()
      return
    }
    gathered.push({ id: lastEventId, type: typeOf(data), text: data })
    frame ??= requestAnimationFrame(deliver)
  })
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) ended() // refused, or at its end; a lost connection it takes up again by itself
  })
  return () => {
    if (frame !== null) cancelAnimationFrame(frame)
    source.close()
  }
}

function typeOf(data: string): string {
  return /^\{"type":"([\w-]{1,64})"/.exec(data)?.[1] ?? 'unknown'
}
