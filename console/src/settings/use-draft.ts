import { useState } from 'react'
import { placeKey } from '../address/address.ts'
import type { Settings } from '../api/settings.ts'
import { useHere } from '../shell/place-context.ts'
import { changedOf, readDraft } from './draft.ts'
import type { Draft } from './draft.ts'

/** What is being changed of the settings: kept over the back button and a reload of the tab, in no other place and for nobody else. */
export function useDraft(settings: Settings): readonly [Draft, (change: Draft) => void, () => void] {
  const { place, me } = useHere()
  const key = `ambit-settings:${me.subject}:${placeKey(place)}`
  const [draft, setDraft] = useState(() => changedOf(settings, readDraft(sessionStorage.getItem(key))))
  const keep = (next: Draft) => {
    setDraft(next)
    if (Object.keys(next).length === 0) sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, JSON.stringify(next))
  }
  return [draft, (change) => keep(changedOf(settings, { ...draft, ...change })), () => keep({})]
}
