import { Page } from '../design/page.tsx'
import type { PageProps } from '../shell/page-of.tsx'

export function DocumentsPage({ before }: PageProps) {
  return <Page title="Documents" before={before}>…</Page>
}
