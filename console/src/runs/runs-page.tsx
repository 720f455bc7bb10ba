import { Page } from '../design/page.tsx'
import type { PageProps } from '../shell/page-of.tsx'

export function RunsPage({ before }: PageProps) {
  return <Page title="Runs" before={before}>…</Page>
}
