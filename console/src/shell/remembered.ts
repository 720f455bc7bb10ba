import { useSyncExternalStore } from 'react'

export interface Remembered<Value extends string> {
  read(): Value
  keep(value: Value): void
  /** As it is now, in every component that shows it; and how to change it. */
  use(): readonly [Value, (value: Value) => void]
}

/** A choice that this browser remembers. The first value is what holds where nothing was chosen. */
export function remembered<Value extends string>(name: string, values: readonly [Value, ...Value[]]): Remembered<Value> {
  const listeners = new Set<() => void>()
  const read = () => values.find((value) => value === localStorage.getItem(name)) ?? values[0]
  const keep = (value: Value) => {
    localStorage.setItem(name, value)
    for (const told of listeners) told()
  }
  const listen = (told: () => void) => {
    listeners.add(told)
    return () => listeners.delete(told)
  }
  return { read, keep, use: () => [useSyncExternalStore(listen, read), keep] }
}
