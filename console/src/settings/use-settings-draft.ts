import { useEffect, useState } from 'react'
import { placeKey } from '../address/address.ts'
import type { Settings } from '../api/settings.ts'
import { useHere } from '../shell/place-context.ts'
import { changedOf, readDraft } from './settings-draft.ts'
import type { SettingsDraft } from './settings-draft.ts'

interface SettingsDraftControl {
  /** What differs from the settings as they stand. */
  readonly draft: SettingsDraft
  change(change: SettingsDraft): void
  /** These are saved: what was changed since stays. */
  saved(sent: SettingsDraft): void
  drop(): void
}

/** What is being changed of the settings: kept over the back button and a reload of the tab, in no other place and for nobody else. */
export function useSettingsDraft(settings: Settings): SettingsDraftControl {
  const { place, me } = useHere()
  const key = `ambit-settings:${me.subject}:${placeKey(place)}`
  const [kept, setKept] = useState(() => readDraft(sessionStorage.getItem(key)))
  const draft = changedOf(settings, kept)
  const text = JSON.stringify(draft)
  useEffect(() => {
    if (text === '{}') sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, text)
  }, [key, text])
  return {
    draft,
    change: (change) => setKept((now) => changedOf(settings, { ...now, ...change })),
    saved: (sent) => setKept((now) => changedOf(sent, now)),
    drop: () => setKept({}),
  }
}
