import { useInfiniteQuery } from '@tanstack/react-query'
import { FolderTree, Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { projectsQuery } from '../api/projects.ts'
import { Button } from '../design/button.tsx'
import { Empty } from '../design/empty.tsx'
import { Page } from '../design/page.tsx'
import { Rows } from '../design/rows.tsx'
import { useCommands } from '../shell/commands.ts'
import type { PageProps } from '../shell/page-of.tsx'
import { useHere, useMay } from '../shell/place-context.ts'
import { NewProject } from './project-form.tsx'
import { ProjectRow } from './project-row.tsx'

/** The projects of an organisation, as far as one sees them. */
export function ProjectsPage({ before }: PageProps) {
  const { place, scope } = useHere()
  const may = useMay('admin')
  const [making, setMaking] = useState(false)
  const projects = useInfiniteQuery(projectsQuery(place))
  useCommands(useMemo(() => (may ? [{ id: 'new-project', group: 'Page', label: 'New project', keys: 'n', act: () => setMaking(true) }] as const : []), [may]))
  const add = may && <Button look="solid" onClick={() => setMaking(true)}><Plus size={16} aria-hidden /> New project</Button>
  return (
    <Page title="Projects" before={before} actions={add} about={`Each has threads, documents, people and instructions of its own, beside those of ${scope.org.name}. Private ones are listed for those who are in them.`}>
      <Rows
        label="Projects" things={projects}
        empty={<Empty icon={<FolderTree size={28} />} title="No projects" action={add}>{may ? 'Make one for what a part of the organisation works on.' : 'There are none that you are in. An admin can make one, or add you to one.'}</Empty>}
      >
        {(project) => <ProjectRow key={project.slug} project={project} />}
      </Rows>
      {making && <NewProject close={() => setMaking(false)} />}
    </Page>
  )
}
