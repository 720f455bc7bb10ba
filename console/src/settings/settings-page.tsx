import { Page } from '../design/page.tsx'
import type { PageProps } from '../shell/page-of.tsx'

export function SettingsPage({ before }: PageProps) {
  return <Page title="Settings" before={before}>…</Page>
}
