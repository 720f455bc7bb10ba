import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { addressIn, navigate } from '../address/navigation.ts'
import { keysQuery } from '../api/keys.ts'
import type { Key } from '../api/keys.ts'
import { useWhole } from '../api/pages.ts'
import { organisationMembersQuery } from '../api/people.ts'
import { Button } from '../design/button.tsx'
import { Empty } from '../design/empty.tsx'
import { TextField } from '../design/field.tsx'
import { Page } from '../design/page.tsx'
import { Rows } from '../design/rows.tsx'
import { Select } from '../design/select.tsx'
import { useCommands } from '../shell/commands.ts'
import type { PageProps } from '../shell/page-of.tsx'
import { useHere, useMay } from '../shell/place-context.ts'
import { KeyRow } from './key-row.tsx'
import { stateOf } from './key-state.ts'
import styles from './keys-page.module.css'
import { NewKey } from './new-key.tsx'

const SHOWN = [{ value: 'working', label: 'Working keys' }, { value: 'all', label: 'All keys' }] as const

/** One's own keys; to the admins of an organisation, those of everybody in it. */
export function KeysPage({ address, before }: PageProps) {
  const { place, scope } = useHere()
  const ofAll = useMay('admin') && scope.project === null
  const [making, setMaking] = useState(false)
  const keys = useInfiniteQuery(keysQuery(place))
  const nameOf = useNames(ofAll)
  const { find = '', shown = 'working' } = address.search
  useWhole(keys, find !== '')
  useCommands(useMemo(() => [{ id: 'new-key', group: 'Page', label: 'New key', keys: 'n', act: () => setMaking(true) }] as const, []))
  const look = (search: { readonly find: string; readonly shown: string }) => navigate(addressIn(place, 'keys', null, { ...(search.find !== '' && { find: search.find }), ...(search.shown === 'all' && { shown: 'all' }) }), { replace: true })
  const wanted = find.trim().toLowerCase()
  const fits = (key: Key) => (shown === 'all' || stateOf(key) === 'working') && [key.person, nameOf(key.person), key.beginning].some((text) => text.toLowerCase().includes(wanted))
  const add = <Button look="solid" onClick={() => setMaking(true)}><Plus size={16} aria-hidden /> New key</Button>
  return (
    <Page
      title="Keys" before={before} actions={add}
      about={ofAll ? `With a key, a program or a browser acts as its person in ${scope.org.name}. These are the keys of everybody.` : `With a key, a program or a browser acts as you in ${scope.org.name}. These are your own.`}
      tools={
        <>
          {ofAll && <TextField className={styles.find} label="Find a key" labelUnseen type="search" placeholder="Name, id or beginning" value={find} onChange={(event) => look({ find: event.currentTarget.value, shown })} />}
          <Select label="Which keys" value={shown === 'all' ? 'all' : 'working'} choices={SHOWN} onChange={(next) => look({ find, shown: next })} />
        </>
      }
    >
      <Rows
        label="Keys" things={keys} shown={(keys.data ?? []).filter(fits)}
        empty={find === '' ? <Empty icon={<KeyRound size={28} />} title={shown === 'all' ? 'No keys' : 'No working keys'} action={add}>Make one for a program, or to sign in with.</Empty> : <Empty title="No key fits">Look for another name, id or beginning, or in all keys.</Empty>}
      >
        {(key) => <KeyRow key={key.id} listed={key} ofAll={ofAll} nameOf={nameOf} />}
      </Rows>
      {making && <NewKey close={() => setMaking(false)} />}
    </Page>
  )
}

/** What people of the organisation are called; an id where there is no name for it. */
function useNames(wanted: boolean): (person: string) => string {
  const { place, me } = useHere()
  const members = useQuery({ ...organisationMembersQuery(place), enabled: wanted })
  return useMemo(() => {
    const names = new Map((members.data ?? []).map(({ id, name }) => [id, name]))
    return (person) => names.get(person) ?? (person === me.subject ? (me.name ?? person) : person)
  }, [members.data, me])
}
