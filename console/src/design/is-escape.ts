import type { KeyboardEvent } from 'react'

/** Escape that nothing within has taken, nor a dialog or menu that was opened from here: React bubbles what happens in those, too. */
export function isEscape(event: KeyboardEvent): boolean {
  return event.key === 'Escape' && !event.defaultPrevented && event.target instanceof Node && event.currentTarget.contains(event.target)
}
