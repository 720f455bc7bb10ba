import { useSyncExternalStore } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const KEPT = 'ambit-theme'
const listeners = new Set<() => void>()

/** What was chosen on this machine; absent, the system's own. */
export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  return [useSyncExternalStore(listen, currentTheme), chooseTheme]
}

/** To be called before anything is painted. */
export function applyTheme(theme: Theme = currentTheme()): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}

function chooseTheme(theme: Theme): void {
  localStorage.setItem(KEPT, theme)
  applyTheme(theme)
  for (const told of listeners) told()
}

function currentTheme(): Theme {
  const kept = localStorage.getItem(KEPT)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

function listen(told: () => void): () => void {
  listeners.add(told)
  return () => listeners.delete(told)
}
