import type { ScopeEvent } from '../../../src/lib/wire/scope-event.ts'

/** What happened; `reload`: nobody knows what, so that anything may be different. */
export type ScopeNews = ScopeEvent | { readonly type: 'reload' }

const listeners = new Set<(news: ScopeNews) => void>()

/** Tells whoever shows a thing that something happened to it. */
export function tellScopeNews(news: ScopeNews): void {
  for (const told of listeners) told(news)
}

export function listenToScope(told: (news: ScopeNews) => void): () => void {
  listeners.add(told)
  return () => listeners.delete(told)
}
