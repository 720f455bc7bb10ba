import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { changeProject, createProject } from '../api/projects.ts'
import type { Project, ProjectWanted, Visibility } from '../api/projects.ts'
import { Choices } from '../design/choices.tsx'
import { TextArea, TextField } from '../design/field.tsx'
import { FormDialog } from '../design/form-dialog.tsx'
import { useHere } from '../shell/place-context.ts'
import { faultOfSlug, suggestSlug } from './suggest-slug.ts'
import { useProjectsChanged } from './use-projects-changed.ts'
import { visibilities } from './visibility.ts'

const ABOUT_CHARS = 2_000

export function NewProject({ close }: { close(): void }) {
  const { place } = useHere()
  const [wanted, setWanted] = useState<Omit<ProjectWanted, 'slug'>>({ name: '', about: '', visibility: 'organisation' })
  const [typedSlug, setTypedSlug] = useState<string | null>(null)
  const slug = typedSlug ?? suggestSlug(wanted.name)
  const make = useMutation({ mutationFn: () => createProject(place, { ...trimmed(wanted), slug }), onSuccess: useProjectsChanged(close) })
  return (
    <FormDialog title="New project" submit="Make the project" busy={make.isPending} ready={isComplete(wanted) && slug !== '' && faultOfSlug(slug) === null} error={make.error} onSubmit={make.mutate} onClose={close}>
      <Fields wanted={wanted} before={null} change={setWanted}>
        <TextField label="Slug" help="Stands in addresses. It cannot be changed later, and is not free again after the project is deleted." error={faultOfSlug(slug)} autoComplete="off" autoCapitalize="none" spellCheck={false} value={slug} onChange={(event) => setTypedSlug(event.currentTarget.value)} />
      </Fields>
    </FormDialog>
  )
}

export function EditProject({ project, close }: { readonly project: Project; close(): void }) {
  const { scope } = useHere()
  const [wanted, setWanted] = useState<Omit<ProjectWanted, 'slug'>>({ name: project.name, about: project.about, visibility: project.visibility })
  const change = useMutation({ mutationFn: () => changeProject({ org: scope.org.slug, project: project.slug }, trimmed(wanted)), onSuccess: useProjectsChanged(close) })
  return (
    <FormDialog title={`Change ${project.name}`} submit="Save" busy={change.isPending} ready={isComplete(wanted)} error={change.error} onSubmit={change.mutate} onClose={close}>
      <Fields wanted={wanted} before={project.visibility} change={setWanted} />
    </FormDialog>
  )
}

interface FieldsProps {
  readonly wanted: Omit<ProjectWanted, 'slug'>
  readonly before: Visibility | null
  readonly children?: ReactNode
  change(wanted: Omit<ProjectWanted, 'slug'>): void
}

function Fields({ wanted, before, change, children }: FieldsProps) {
  const { scope } = useHere()
  const tooLong = wanted.about.length > ABOUT_CHARS ? `At most ${ABOUT_CHARS.toLocaleString()} characters; these are ${wanted.about.length.toLocaleString()}.` : null
  return (
    <>
      <TextField label="Name" maxLength={200} autoComplete="off" autoFocus value={wanted.name} onChange={(event) => change({ ...wanted, name: event.currentTarget.value })} />
      {children}
      <TextArea label="What it is about (optional)" rows={3} help="The model is told it with every question in the project." error={tooLong} value={wanted.about} onChange={(event) => change({ ...wanted, about: event.currentTarget.value })} />
      <Choices label="Who is in it" value={wanted.visibility} choices={visibilities(scope.org.name, before)} onChange={(visibility) => change({ ...wanted, visibility })} />
    </>
  )
}

function isComplete({ name, about }: Omit<ProjectWanted, 'slug'>): boolean {
  return name.trim() !== '' && about.length <= ABOUT_CHARS
}

function trimmed({ name, about, visibility }: Omit<ProjectWanted, 'slug'>): Omit<ProjectWanted, 'slug'> {
  return { name: name.trim(), about: about.trim(), visibility }
}
