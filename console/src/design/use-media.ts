import { useCallback, useSyncExternalStore } from 'react'

/** Below these widths the style sheets lay things over each other that stand side by side on a wider screen. */
export const NARROW = '(max-width: 64rem)'
export const PHONE = '(max-width: 48rem)'

export function useMedia(query: string): boolean {
  const listen = useCallback((told: () => void) => {
    const media = matchMedia(query)
    media.addEventListener('change', told)
    return () => media.removeEventListener('change', told)
  }, [query])
  return useSyncExternalStore(listen, () => matchMedia(query).matches)
}
