import { useLayoutEffect, useState } from 'react'

interface Borrowing {
  /** It lies over what it was opened from: the focus cannot stay there. */
  readonly over: boolean
  /** A selector: where the focus goes back to. Without one, and where there is none such: to what had it before. */
  readonly home?: string
}

/** The focus goes into what was opened where it cannot stay outside; when that goes with the focus in it, the focus goes back, and is never lost. */
export function useBorrowedFocus(box: { readonly current: HTMLElement | null }, { over, home }: Borrowing): void {
  const [opener] = useState(() => document.activeElement)
  useLayoutEffect(() => {
    const lost = opener !== document.body && opener?.checkVisibility() === false
    if ((over || lost) && !box.current?.contains(document.activeElement)) box.current?.focus()
  }, [box, over, opener])
  useLayoutEffect(() => {
    const opened = box.current
    const owner = (home === undefined ? null : document.querySelector(home)) ?? opener
    return () => {
      if (opened?.contains(document.activeElement)) queueMicrotask(() => giveBackTo(owner)) // once the page stands without it
    }
  }, [box, home, opener])
}

/** Where the owner is not there any more, to the page. What has taken the focus meanwhile keeps it. */
function giveBackTo(owner: Element | null): void {
  if (document.activeElement !== document.body) return
  if (owner instanceof HTMLElement) owner.focus()
  if (document.activeElement === document.body) document.getElementById('main')?.focus()
}
