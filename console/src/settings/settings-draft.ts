/** What was changed and is not saved. */
export interface SettingsDraft {
  readonly ai_enabled?: boolean
  readonly instructions?: string
  readonly model?: string | null
}

/** A draft without what stands in the settings as it is. */
export function changedOf(settings: SettingsDraft, draft: SettingsDraft): SettingsDraft {
  return Object.fromEntries(Object.entries(draft).filter(([name, value]) => settings[name as keyof SettingsDraft] !== value))
}

/** What was kept of a draft, as far as it can be read. */
export function readDraft(kept: string | null): SettingsDraft {
  if (kept === null) return {}
  try {
    const { ai_enabled: on, instructions, model } = JSON.parse(kept) as Record<string, unknown>
    return {
      ...(typeof on === 'boolean' && { ai_enabled: on }),
      ...(typeof instructions === 'string' && { instructions }),
      ...((typeof model === 'string' || model === null) && { model }),
    }
  } catch {
    return {} // not of ours
  }
}
