import { useSyncExternalStore } from 'react'
import { home } from '../home.ts'
import { formatAddress, parseAddress } from './address.ts'
import type { Address, Place } from './address.ts'

const listeners = new Set<() => void>()
let leaveAllowed: ((to: Address | null) => boolean) | null = null
let shownPath = currentPath()

window.addEventListener('popstate', goBack)

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

/** Asked before an address is left for another: false keeps it. Answers how to take the question back. */
export function beforeLeaving(allowed: (to: Address | null) => boolean): () => void {
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

/** The browser has gone already: where it should not have, the address that is shown is put on top again. */
function goBack(): void {
  if (leaveAllowed?.(parseAddress(currentPath(), home.root)) ?? true) tell()
  else history.pushState(null, '', shownPath)
}

function tell(): void {
  shownPath = currentPath()
  for (const told of listeners) told()
}
