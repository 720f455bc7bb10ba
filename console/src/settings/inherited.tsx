import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import type { ReactNode } from 'react'
import { Link } from '../address/link.tsx'
import { addressIn } from '../address/navigation.ts'
import type { Scope } from '../api/scope.ts'
import { organisationSettingsQuery } from '../api/settings.ts'
import { Notice } from '../design/notice.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { useHere, useInOrganisation } from '../shell/place-context.ts'
import styles from './inherited.module.css'

/** What holds in a project by its organisation: chat that is off there is off here. */
export function InheritedChat() {
  const { scope } = useHere()
  const { data } = useOrganisationSettings()
  if (scope.project === null || data?.ai_enabled !== false) return null
  return <Notice tone="warn">Chat is off in all of {scope.org.name}. Until it is on there, nobody can ask here.</Notice>
}

/** What is told before the instructions of a project. */
export function InheritedInstructions() {
  const { scope } = useHere()
  const inside = useInOrganisation()
  const { data, isPending, isError } = useOrganisationSettings()
  if (scope.project === null) return null
  const org = scope.org.name
  if (isError || !inside) return <p className={styles.aside}>The instructions of {org} hold here, too. They are shown to people of the organisation.</p>
  if (isPending) return <Skeleton lines={2} label={`The instructions of ${org}: loading`} />
  if (data.instructions.trim() === '') return <p className={styles.aside}>{org} has no instructions of its own.</p>
  return (
    <div className={styles.inherited}>
      <Told title={<>Told first, as in every project: the <Link to={addressIn({ org: scope.org.slug }, 'settings')}>instructions of {org}</Link></>} text={data.instructions} />
    </div>
  )
}

/** Instructions, as they stand. */
export function Told({ title, text }: { readonly title: ReactNode; readonly text: string }) {
  const id = useId()
  return (
    <section className={styles.told} aria-labelledby={id}>
      <h3 id={id} className={styles.title}>{title}</h3>
      <p className={styles.text}>{text.trim() === '' ? 'None.' : text}</p>
    </section>
  )
}

/** Which model answers where the place itself names none. */
export function inheritedModel({ org, project }: Scope): string {
  return project === null ? 'The default of this installation' : `As in ${org.name}`
}

function useOrganisationSettings() {
  const { scope } = useHere()
  const inside = useInOrganisation()
  return useQuery({ ...organisationSettingsQuery({ org: scope.org.slug }), enabled: inside && scope.project !== null })
}
