import { useSyncExternalStore } from 'react'
import { home } from '../home.ts'
import { formatAddress, parseAddress } from './address.ts'
import type { Address, Place } from './address.ts'

const listeners = new Set<() => void>()
let leaveAllowed: ((to: Address) => boolean) | null = null

window.addEventListener('popstate', tell)

/** The address as it stands in the bar. Null: it is none of the console's. */
export function useAddress(): Address | null {
  const path = useSyncExternalStore(listen, currentPath)
  return parseAddress(path, home.root)
}

/** Goes to an address; the back button comes back, unless it `replaces` the one before. */
export function navigate(address: Address, { replace = false } = {}): void {
  const path = formatAddress(address, home.root)
  if (path === currentPath() || !(leaveAllowed?.(address) ?? true)) return
  history[replace ? 'replaceState' : 'pushState'](null, '', path)
  tell()
}

/** An address in a place, of which only what matters is named. */
export function addressIn(place: Place | null, page: Address['page'], id: string | null = null, search: Address['search'] = {}): Address {
  return { place, page, id, search }
}

/** Asked before an address is left from within: false keeps it. Answers how to take the question back. */
export function beforeLeaving(allowed: (to: Address) => boolean): () => void {
  leaveAllowed = allowed
  return () => {
    if (leaveAllowed === allowed) leaveAllowed = null
  }
}

function currentPath(): string {
  return location.pathname + location.search
}

function listen(told: () => void): () => void {
  listeners.add(told)
  return () => listeners.delete(told)
}

function tell(): void {
  for (const told of listeners) told()
}
