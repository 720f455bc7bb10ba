import type { Visibility } from '../api/projects.ts'
import type { ExplainedChoice } from '../design/choices.tsx'

const PRIVATE = {
  new: 'You are the first of them. To everybody else, also to admins, it does not exist.',
  organisation: 'You stay in it, and whoever was added. To everybody else, also to admins, it is gone at once.',
  private: 'To everybody else, also to admins, it does not exist.',
} as const

/** Who is in a project, in words; `before` says who was so far, and null that it is new. */
export function visibilities(org: string, before: Visibility | null): readonly ExplainedChoice<Visibility>[] {
  return [
    { value: 'organisation', label: `Everybody in ${org}`, help: 'By their role there, and whoever is added to the project itself.' },
    { value: 'private', label: 'Only people who are added', help: PRIVATE[before ?? 'new'] },
  ]
}
