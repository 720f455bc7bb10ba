import { queryOptions } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { ask, pathOf } from './request.ts'

/** What is ruled for a place itself. */
export interface Settings {
  readonly ai_enabled: boolean
  readonly instructions: string
  /** The place's own default; null: that of what is around it. Not there where the installation rules it alone. */
  readonly model?: string | null
}

export function settingsQuery(place: Place | null) {
  return queryOptions({
    queryKey: [placeKey(place), 'settings'],
    queryFn: ({ signal }) => ask<Settings>(`${pathOf(place)}/settings`, { signal }),
  })
}

/** Of the organisation around a project. Whoever is in the project only is refused. */
export function organisationSettingsQuery({ org }: Place) {
  return queryOptions({ ...settingsQuery({ org }), retry: false })
}

export async function changeSettings(place: Place | null, change: Partial<Settings>): Promise<Settings> {
  return ask<Settings>(`${pathOf(place)}/settings`, { method: 'PATCH', body: change })
}
