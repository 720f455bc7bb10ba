import { useEffect, useSyncExternalStore } from 'react'
import { fitsKeys, isSingleKey } from './fits-keys.ts'
import { singleKeys } from './single-keys.ts'

/** Something that can be done from where one is, by a shortcut or from the palette. */
export interface Command {
  readonly id: string
  readonly label: string
  readonly group: 'Go to' | 'Chat' | 'Page' | 'Look'
  /** `mod+k`; `mod` is Command on a Mac, Control elsewhere. A single letter works where nothing is being typed. */
  readonly keys?: string
  act(): void
}

const owners = new Map<symbol, readonly Command[]>()
const listeners = new Set<() => void>()
let all: readonly Command[] = []

/** Offers these for as long as the component is there. The array must be the same while it says the same. */
export function useCommands(commands: readonly Command[]): void {
  useEffect(() => {
    const owner = Symbol('commands')
    offer(owner, commands)
    return () => offer(owner, null)
  }, [commands])
}

/** All that are offered now. */
export function useOfferedCommands(): readonly Command[] {
  return useSyncExternalStore(listen, () => all)
}

/** The command whose keys these are. The last that was offered wins: a panel over the page it stands on. */
export function commandFor(event: KeyboardEvent): Command | undefined {
  return all.findLast(({ keys }) => keys !== undefined && fitsKeys(event, keys) && (!isSingleKey(keys) || (singleKeys.read() === 'on' && !isTyping(event.target))))
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.closest('[role="dialog"],[role="menu"],[role="listbox"]') !== null)
}

function offer(owner: symbol, commands: readonly Command[] | null): void {
  if (commands === null) owners.delete(owner)
  else owners.set(owner, commands)
  all = [...owners.values()].flat()
  for (const told of listeners) told()
}

function listen(told: () => void): () => void {
  listeners.add(told)
  return () => listeners.delete(told)
}
