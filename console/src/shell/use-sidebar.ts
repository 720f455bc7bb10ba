import { useMemo, useState } from 'react'
import type { Address } from '../address/address.ts'
import { PHONE } from '../design/use-media.ts'

const KEPT = 'ambit-sidebar'

interface SidebarControl {
  open(): void
  close(): void
  toggle(): void
}

/** Whether the list at the side is shown. On a wide screen that is remembered; on a phone it lies over the page, and goes when one has chosen. */
export function useSidebar(address: Address): readonly ['open' | 'closed', SidebarControl] {
  const [open, setOpen] = useState(() => !matchMedia(PHONE).matches && localStorage.getItem(KEPT) !== 'closed')
  const [seen, setSeen] = useState(address)
  if (seen.page !== address.page || seen.id !== address.id) {
    setSeen(address)
    if (open && matchMedia(PHONE).matches) setOpen(false)
  }
  const control = useMemo(() => {
    const keep = (next: boolean) => {
      if (!matchMedia(PHONE).matches) localStorage.setItem(KEPT, next ? 'open' : 'closed')
      return next
    }
    return { open: () => setOpen(keep(true)), close: () => setOpen(keep(false)), toggle: () => setOpen((now) => keep(!now)) }
  }, [])
  return [open ? 'open' : 'closed', control]
}
