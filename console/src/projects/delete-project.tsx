import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { deleteProject } from '../api/projects.ts'
import type { Project } from '../api/projects.ts'
import { TextField } from '../design/field.tsx'
import { FormDialog } from '../design/form-dialog.tsx'
import { useHere } from '../shell/place-context.ts'
import { useProjectsChanged } from './use-projects-changed.ts'

/** Takes more with it than any other button: what is meant has to be typed. */
export function DeleteProject({ project, close }: { readonly project: Project; close(): void }) {
  const { scope } = useHere()
  const [typed, setTyped] = useState('')
  const remove = useMutation({ mutationFn: () => deleteProject({ org: scope.org.slug, project: project.slug }), onSuccess: useProjectsChanged(close) })
  return (
    <FormDialog
      title={`Delete ${project.name}?`} submit="Delete the project" danger busy={remove.isPending} ready={typed === project.slug} error={remove.error}
      about="Its threads, documents and runs are gone for everybody at once, and its slug is not free again. This cannot be undone."
      onSubmit={remove.mutate} onClose={close}
    >
      <TextField label={`Type ${project.slug} to delete it`} autoComplete="off" autoCapitalize="none" spellCheck={false} autoFocus value={typed} onChange={(event) => setTyped(event.currentTarget.value.trim())} />
    </FormDialog>
  )
}
