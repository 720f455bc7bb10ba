import type { ScopeEvent } from '../../../src/lib/wire/scope-event.ts'

const listeners = new Set<(event: ScopeEvent) => void>()

/** Tells whoever shows a thing that something happened to it. */
export function tellScopeEvent(event: ScopeEvent): void {
  for (const told of listeners) told(event)
}

export function listenToScope(told: (event: ScopeEvent) => void): () => void {
  listeners.add(told)
  return () => listeners.delete(told)
}
