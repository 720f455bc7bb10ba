import { useSyncExternalStore } from 'react'
import { home } from '../home.ts'
import { formatAddress, parseAddress } from './address.ts'
import type { Address, Place } from './address.ts'

/** Somebody is about to leave what is shown. */
export interface Leaving {
  /** Null: not for an address of the console. */
  readonly to: Address | null
  /** Leaves, without asking again. */
  go(): void
}

const listeners = new Set<() => void>()
let guard: ((leaving: Leaving) => boolean) | null = null
let shownPath = currentPath()

window.addEventListener('popstate', goBack)
window.addEventListener('beforeunload', (event) => {
  if (guard) event.preventDefault()
})

/** The address as it stands in the bar. Null: it is none of the console's. */
export function useAddress(): Address | null {
  const path = useSyncExternalStore(listen, currentPath)
  return parseAddress(path, home.root)
}

/** Goes to an address; the back button comes back, unless it `replaces` the one before. `unasked`: what was not saved is saved now. */
export function navigate(address: Address, { replace = false, unasked = false } = {}): void {
  const path = formatAddress(address, home.root)
  const leaving = { to: address, go: () => show(path, replace) }
  if (unasked) leaving.go()
  else if (path !== currentPath()) leave(leaving)
}

/** Leaves what is shown, if what guards it lets one: else it asks, and goes on itself. */
export function leave(leaving: Leaving): void {
  if (guard?.(leaving) ?? true) leaving.go()
}

/** Loads the page anew: what it holds is nobody's any more. */
export function endPage(): void {
  guard = null
  location.reload()
}

/** An address in a place, of which only what matters is named. */
export function addressIn(place: Place | null, page: Address['page'], id: string | null = null, search: Address['search'] = {}): Address {
  return { place, page, id, search }
}

/** Asked before what is shown is left, also with the tab: false keeps it. Answers how to take the question back. */
export function beforeLeaving(allowed: (leaving: Leaving) => boolean): () => void {
  guard = allowed
  return () => {
    if (guard === allowed) guard = null
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
  const path = currentPath()
  if (guard?.({ to: parseAddress(path, home.root), go: () => show(path, false) }) ?? true) tell()
  else history.pushState(null, '', shownPath)
}

function show(path: string, replace: boolean): void {
  if (path !== currentPath()) history[replace ? 'replaceState' : 'pushState'](null, '', path)
  tell()
}

function tell(): void {
  shownPath = currentPath()
  for (const told of listeners) told()
}
