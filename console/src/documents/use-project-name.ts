import { useHere } from '../shell/place-context.ts'

/** A project as people call it; by its address, where it is none of theirs. */
export function useProjectName(project: string): string {
  const { me, place } = useHere()
  return me.organisations.find(({ org }) => org === place?.org)?.projects.find((one) => one.project === project)?.name ?? project
}
