import { remembered } from './remembered.ts'

export type Theme = 'system' | 'light' | 'dark'

const theme = remembered<Theme>('ambit-theme', ['system', 'light', 'dark'])

/** What was chosen on this machine; absent, the system's own. */
export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [chosen] = theme.use()
  return [chosen, chooseTheme]
}

/** To be called before anything is painted. */
export function applyTheme(): void {
  const chosen = theme.read()
  if (chosen === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = chosen
}

function chooseTheme(next: Theme): void {
  theme.keep(next)
  applyTheme()
}
