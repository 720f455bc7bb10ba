import { useMemo, useState } from 'react'
import type { Address } from '../address/address.ts'

const KEPT = 'ambit-sidebar'
const NARROW = '(max-width: 48rem)'

interface SidebarControl {
  open(): void
  close(): void
  toggle(): void
}

/** Whether the list at the side is shown. On a wide screen that is remembered; on a phone it lies over the page, and goes when one has chosen. */
export function useSidebar(address: Address): readonly ['open' | 'closed', SidebarControl] {
  const [open, setOpen] = useState(() => !matchMedia(NARROW).matches && localStorage.getItem(KEPT) !== 'closed')
  const [seen, setSeen] = useState(address)
  if (seen.page !== address.page || seen.id !== address.id) {
    setSeen(address)
    if (open && matchMedia(NARROW).matches) setOpen(false)
  }
  const control = useMemo(() => {
    const keep = (next: boolean) => {
      if (!matchMedia(NARROW).matches) localStorage.setItem(KEPT, next ? 'open' : 'closed')
      return next
    }
    return { open: () => setOpen(keep(true)), close: () => setOpen(keep(false)), toggle: () => setOpen((now) => keep(!now)) }
  }, [])
  return [open ? 'open' : 'closed', control]
}
