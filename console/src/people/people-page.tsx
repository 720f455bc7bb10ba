import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Plus, Users } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Link } from '../address/link.tsx'
import { addressIn, navigate } from '../address/navigation.ts'
import type { Place } from '../address/address.ts'
import { useWhole } from '../api/pages.ts'
import { membersQuery, organisationMembersQuery } from '../api/people.ts'
import type { Member } from '../api/people.ts'
import { visibilityQuery } from '../api/projects.ts'
import { Button } from '../design/button.tsx'
import { Empty } from '../design/empty.tsx'
import { TextField } from '../design/field.tsx'
import { Page } from '../design/page.tsx'
import { Rows } from '../design/rows.tsx'
import { Section } from '../design/section.tsx'
import { useCommands } from '../shell/commands.ts'
import type { PageProps } from '../shell/page-of.tsx'
import { useHere, useInOrganisation, useMay } from '../shell/place-context.ts'
import { AddPerson } from './add-person.tsx'
import { MemberRow } from './member-row.tsx'
import styles from './people-page.module.css'
import { ROLES } from './roles.ts'

/** From so many on, somebody is looked for. */
const MANY = 12

/** Who is in this place, and with which role. */
export function PeoplePage({ address, before }: PageProps) {
  const { place, scope } = useHere()
  const may = useMay('admin')
  const [adding, setAdding] = useState(false)
  const members = useInfiniteQuery(membersQuery(place))
  const find = address.search['find'] ?? ''
  useWhole(members, find !== '' || adding) // who is here already is not added again, with another role
  useCommands(useMemo(() => (may ? [{ id: 'add-person', group: 'Page', label: 'Add a person', keys: 'n', act: () => setAdding(true) }] as const : []), [may]))
  const inside = useInOrganisation()
  const around = useQuery({ ...organisationMembersQuery(place), enabled: inside && scope.project !== null })
  const data = useMemo(() => named(members.data ?? [], around.data ?? []), [members.data, around.data])
  const many = data.length > MANY || find !== ''
  const add = may && <Button look="solid" onClick={() => setAdding(true)}><Plus size={16} aria-hidden /> Add a person</Button>
  return (
    <Page
      title="People" before={before} actions={add} about={<About place={place} />}
      tools={many && <TextField className={styles.find} label="Find somebody" labelUnseen type="search" placeholder="Name, id or role" value={find} onChange={(event) => lookFor(place, event.currentTarget.value)} />}
    >
      <Rows
        label="People" things={members} shown={data.filter((member) => fits(member, find))}
        empty={find === '' ? <Empty icon={<Users size={28} />} title="Nobody was given a role here itself" action={add}>Add somebody who is to be in it.</Empty> : <Empty title="Nobody fits">Look for another name, id or role.</Empty>}
      >
        {(member) => <MemberRow key={member.id} member={member} />}
      </Rows>
      <Section title="What the roles may do">
        <dl className={styles.roles}>{ROLES.map(({ value, label, help }) => <Explained key={value} name={label} help={help} />)}</dl>
      </Section>
      {adding && <AddPerson members={data} whole={members.hasNextPage === false} close={() => setAdding(false)} />}
    </Page>
  )
}

function Explained({ name, help }: { readonly name: string; readonly help: string }) {
  return <><dt>{name}</dt><dd>{help}</dd></>
}

/** Whose roles hold here beside those in the list. */
function About({ place }: { readonly place: Place | null }) {
  const { scope } = useHere()
  const inside = useInOrganisation()
  const visibility = useQuery({ ...visibilityQuery(place ?? { org: '' }), enabled: inside && place?.project !== undefined })
  const { org, project } = scope
  if (project === null) return <>Who is in {org.name}, and in every project of it that is not private.</>
  if (inside && visibility.isPending) return <>Who was given a role in {project.name} itself.</>
  if (visibility.data === 'private') return <>{project.name} is private: nobody else is in it.</>
  if (visibility.data === 'organisation') return <>Who was given a role in {project.name} itself. All <Link to={addressIn({ org: org.slug }, 'people')}>people of {org.name}</Link> are in it, too, by their role there; of two roles the higher one holds.</>
  return <>Who was given a role in {project.name} itself. If it is open to {org.name}, the people of that are in it, too.</>
}

/** Who has no name in a project goes by that of the organisation. */
function named(members: readonly Member[], around: readonly Member[]): readonly Member[] {
  const names = new Map(around.map(({ id, name }) => [id, name]))
  return members.map((member) => (member.name === member.id ? { ...member, name: names.get(member.id) ?? member.name } : member))
}

function lookFor(place: Place | null, find: string): void {
  navigate(addressIn(place, 'people', null, find === '' ? {} : { find }), { replace: true })
}

function fits({ id, name, role }: Member, find: string): boolean {
  const wanted = find.trim().toLowerCase()
  return [id, name, role].some((text) => text.toLowerCase().includes(wanted))
}
