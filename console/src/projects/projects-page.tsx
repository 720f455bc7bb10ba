import { Page } from '../design/page.tsx'
import type { PageProps } from '../shell/page-of.tsx'

export function ProjectsPage({ before }: PageProps) {
  return <Page title="Projects" before={before}>…</Page>
}
