import { useSyncExternalStore } from 'react'

/** A connection that is taken up again within this is no news. */
const QUIET_MS = 1_500

const listeners = new Set<() => void>()
let connected = true
let pending: ReturnType<typeof setTimeout> | undefined

window.addEventListener('offline', () => setConnected(false))
// A stream may have lived through it, and says nothing then; one that did not says so.
window.addEventListener('online', () => setConnected(true))

/** Whether the server is within reach, as the stream of events tells it. */
export function useConnection(): boolean {
  return useSyncExternalStore(listen, () => connected)
}

export function isConnected(): boolean {
  return connected
}

export function setConnected(next: boolean): void {
  clearTimeout(pending)
  if (next) tell(true)
  else pending = setTimeout(tell, QUIET_MS, false)
}

export function listen(told: () => void): () => void {
  listeners.add(told)
  return () => listeners.delete(told)
}

function tell(next: boolean): void {
  if (connected === next) return
  connected = next
  for (const told of listeners) told()
}
