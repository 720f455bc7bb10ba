import { Page } from '../design/page.tsx'
import type { PageProps } from '../shell/page-of.tsx'

export function PeoplePage({ before }: PageProps) {
  return <Page title="People" before={before}>…</Page>
}
