import { useCallback, useEffect, useState } from 'react'
import { pathOf } from '../api/request.ts'
import { home } from '../home.ts'
import { useHere } from '../shell/place-context.ts'
import { MOST_EVENTS, followRunEvents } from './run-events.ts'
import type { RunEvent } from './run-events.ts'

interface Heard {
  readonly events: readonly RunEvent[]
  /** So many older ones are not kept here any more. */
  readonly dropped: number
  readonly over: boolean
  readonly error: unknown
}

const NOTHING: Heard = { events: [], dropped: 0, over: false, error: null }

/** The events of a run, live. They are gathered for a frame: a page need not be painted for each. */
export function useRunEvents(runId: string): Heard & { again(): void } {
  const { place } = useHere()
  const [heard, setHeard] = useState(NOTHING)
  const [tries, setTries] = useState(0)
  const url = `${home.api}${pathOf(place)}/runs/${encodeURIComponent(runId)}/events`
  useEffect(() => {
    const leaving = new AbortController()
    let gathered: RunEvent[] = []
    let frame: number | null = null
    const deliver = () => {
      frame = null
      const portion = gathered
      gathered = []
      setHeard((before) => keep(before, portion))
    }
    const follow = async () => {
      for await (const events of followRunEvents(url, leaving.signal)) {
        gathered.push(...events)
        frame ??= requestAnimationFrame(deliver)
      }
    }
    const end = (error: unknown) => {
      if (!leaving.signal.aborted) setHeard((before) => ({ ...before, over: true, error }))
    }
    follow().then(() => end(null), end)
    return () => {
      leaving.abort()
      if (frame !== null) cancelAnimationFrame(frame)
    }
  }, [url, tries])
  const again = useCallback(() => {
    setHeard(NOTHING)
    setTries((before) => before + 1)
  }, [])
  return { ...heard, again }
}

function keep(before: Heard, portion: readonly RunEvent[]): Heard {
  const all = [...before.events, ...portion]
  const excess = Math.max(0, all.length - MOST_EVENTS)
  return { ...before, events: excess > 0 ? all.slice(excess) : all, dropped: before.dropped + excess }
}
