import type { Visibility } from '../api/projects.ts'
import type { ExplainedChoice } from '../design/choices.tsx'

/** Who is in a project, in words. */
export function visibilities(org: string): readonly ExplainedChoice<Visibility>[] {
  return [
    { value: 'organisation', label: `Everybody in ${org}`, help: 'By their role there, and whoever is added to the project itself.' },
    { value: 'private', label: 'Only people who are added', help: 'You are the first of them. To everybody else, also to admins, it does not exist.' },
  ]
}
