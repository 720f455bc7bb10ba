import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { MOST, askAll } from './pages.ts'
import type { PageOf } from './pages.ts'
import { ask, pathOf } from './request.ts'
import type { Role } from './role.ts'

export type Visibility = 'organisation' | 'private'

export interface Project {
  readonly slug: string
  readonly name: string
  readonly about: string
  readonly visibility: Visibility
  /** Of whoever asks, in it. */
  readonly role: Role
  readonly created_at: string
}

export type ProjectWanted = Pick<Project, 'slug' | 'name' | 'about' | 'visibility'>

/** The projects of an organisation that its reader may see. */
export function projectsQuery(org: Place | null) {
  return infiniteQueryOptions({
    queryKey: [placeKey(org), 'projects'],
    queryFn: ({ signal, pageParam }) => ask<PageOf<'projects', Project>>(`${pathOf(org)}/projects`, { signal, query: { limit: MOST, after: pageParam } }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    select: ({ pages }) => pages.flatMap((page) => page.projects),
  })
}

/** Who may see the project at this place; null: it cannot be told, by somebody who is in no other part of the organisation. */
export function visibilityQuery({ org, project }: Place) {
  return queryOptions({
    queryKey: [placeKey({ org, ...(project !== undefined && { project }) }), 'visibility'],
    queryFn: async ({ signal }) => {
      const projects = await askAll<'projects', Project>('projects', `${pathOf({ org })}/projects`, signal)
      return projects.find(({ slug }) => slug === project)?.visibility ?? null
    },
    retry: false,
  })
}

export async function createProject(org: Place | null, wanted: ProjectWanted): Promise<Project> {
  return ask<Project>(`${pathOf(org)}/projects`, { method: 'POST', body: wanted })
}

export async function changeProject(project: Place, change: Partial<Omit<ProjectWanted, 'slug'>>): Promise<Project> {
  return ask<Project>(pathOf(project), { method: 'PATCH', body: change })
}

export async function deleteProject(project: Place): Promise<void> {
  await ask(pathOf(project), { method: 'DELETE' })
}
