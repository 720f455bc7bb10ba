import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import type { FormEvent } from 'react'
import { placeKey } from '../address/address.ts'
import { changeSettings, settingsQuery } from '../api/settings.ts'
import type { Settings } from '../api/settings.ts'
import { TextArea } from '../design/field.tsx'
import { Problem } from '../design/problem.tsx'
import { Section } from '../design/section.tsx'
import { Switch } from '../design/switch.tsx'
import { placeName, useHere } from '../shell/place-context.ts'
import { Unsaved } from '../shell/unsaved.tsx'
import { InheritedChat, InheritedInstructions, inheritedModel } from './inherited.tsx'
import { ModelChoice, isModelReady } from './model-choice.tsx'
import { SaveBar } from './save-bar.tsx'
import styles from './settings-form.module.css'
import { useSettingsDraft } from './use-settings-draft.ts'

const MOST_CHARS = 20_000

/** For those who may change them: nothing holds before it is saved. */
export function SettingsForm({ settings }: { readonly settings: Settings }) {
  const { place, scope } = useHere()
  const client = useQueryClient()
  const { draft, change, saved, drop } = useSettingsDraft(settings)
  const shown = { ...settings, ...draft }
  const save = useMutation({
    mutationFn: (changed: Partial<Settings>) => changeSettings(place, changed),
    onSuccess: (now, sent) => {
      client.setQueryData(settingsQuery(place).queryKey, now)
      saved(sent)
      void client.invalidateQueries({ queryKey: [placeKey(place), 'scope'] })
    },
  })
  const changed = Object.keys(draft).length > 0
  const tooLong = shown.instructions.length > MOST_CHARS
  const ready = !tooLong && isModelReady(scope.models, shown.model)
  const { mutate } = save
  const send = useCallback(() => mutate(draft), [mutate, draft])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (changed && ready && !save.isPending) send()
  }
  const edit = (next: Partial<Settings>) => {
    save.reset()
    change(next)
  }
  return (
    <form className={styles.form} noValidate onSubmit={submit}>
      <Section title="Chat">
        <InheritedChat />
        <Switch label="Chat is on" help={`Off, nobody can ask in ${placeName(scope)}${scope.project === null ? ' or its projects' : ''}. What is there can be read all the same.`} checked={shown.ai_enabled} onChange={(on) => edit({ ai_enabled: on })} />
      </Section>
      <Section title="Instructions" about="What the model is to know and to heed in every answer here: how to write, what words mean, whom to name. They are no secret: everybody here can read them.">
        <InheritedInstructions />
        <TextArea label={`Instructions of ${placeName(scope)}`} rows={10} value={shown.instructions} help={`${shown.instructions.length.toLocaleString()} of ${MOST_CHARS.toLocaleString()} characters`} error={tooLong ? 'This is too long. Put what is only needed at times into a document.' : null} onChange={(event) => edit({ instructions: event.currentTarget.value })} />
      </Section>
      {shown.model !== undefined && (
        <Section title="Model" about="Answers where a question does not name another one.">
          <ModelChoice label={`Model of ${placeName(scope)}`} models={scope.models} model={shown.model} inherited={inheritedModel(scope)} onChange={(model) => edit({ model })} />
        </Section>
      )}
      {save.error && <Problem error={save.error} />}
      <SaveBar changed={changed} ready={ready} busy={save.isPending} saved={save.isSuccess} save={send} drop={drop} />
      {changed && <Unsaved what={`The settings of ${placeName(scope)} were changed, and are`} drop={drop} />}
    </form>
  )
}
