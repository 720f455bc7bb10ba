import { Page } from '../design/page.tsx'
import type { PageProps } from '../shell/page-of.tsx'

export function KeysPage({ before }: PageProps) {
  return <Page title="Keys" before={before}>…</Page>
}
