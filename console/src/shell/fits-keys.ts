/** What of a pressed key says which one it is. */
export interface PressedKey {
  readonly key: string
  readonly metaKey: boolean
  readonly ctrlKey: boolean
  readonly altKey: boolean
  readonly shiftKey: boolean
}

/** Whether it is a key alone: one that also writes. */
export function isSingleKey(keys: string): boolean {
  return !keys.includes('+') // no shortcut is the plus sign itself
}

/** Whether these are the keys, with no modifier beside theirs: `mod+k`, where `mod` is Command on a Mac, Control elsewhere. */
export function fitsKeys(pressed: PressedKey, keys: string, onApple = isApple()): boolean {
  const { key, metaKey, ctrlKey, altKey, shiftKey } = pressed
  const wanted = keys.split('+')
  const sign = wanted.at(-1) ?? ''
  const [mod, other] = onApple ? [metaKey, ctrlKey] : [ctrlKey, metaKey]
  if (other || altKey || mod !== wanted.includes('mod')) return false
  // A sign like "?" is written with Shift on some keyboards and without it on others; a letter is another one with it.
  if (shiftKey && /^[a-z]$/.test(sign)) return false
  return key.toLowerCase() === sign
}

function isApple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.platform)
}
