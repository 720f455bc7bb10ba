import { useQuery } from '@tanstack/react-query'
import { settingsQuery } from '../api/settings.ts'
import { Page } from '../design/page.tsx'
import { Problem } from '../design/problem.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import type { PageProps } from '../shell/page-of.tsx'
import { placeName, useHere, useMay } from '../shell/place-context.ts'
import { ReadSettings } from './read-settings.tsx'
import { SettingsForm } from './settings-form.tsx'

/** Whether one can ask here, what the model is told, and which one it is. */
export function SettingsPage({ before }: PageProps) {
  const { place, scope } = useHere()
  const may = useMay('admin')
  const settings = useQuery(settingsQuery(place))
  const reach = scope.project === null ? `${scope.org.name} and all its projects` : scope.project.name
  return (
    <Page title="Instructions and model" before={before} about={may ? `For ${reach}. What you save holds from the next question on; answers that are under way are not touched.` : `For ${placeName(scope)}. Its admins change them.`}>
      {settings.isError && <Problem error={settings.error} retry={() => void settings.refetch()} />}
      {settings.isPending && <Skeleton lines={9} label="The settings: loading" />}
      {settings.data && (may ? <SettingsForm settings={settings.data} /> : <ReadSettings settings={settings.data} />)}
    </Page>
  )
}
