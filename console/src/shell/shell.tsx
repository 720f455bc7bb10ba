import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import { placeKey } from '../address/address.ts'
import type { Address, Place } from '../address/address.ts'
import { addressIn, navigate } from '../address/navigation.ts'
import type { Me } from '../api/me.ts'
import { scopeQuery } from '../api/scope.ts'
import { Button } from '../design/button.tsx'
import { Empty } from '../design/empty.tsx'
import { Problem } from '../design/problem.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { TitleContext } from '../design/use-title.ts'
import { useScopeEvents } from '../events/use-scope-events.ts'
import { home } from '../home.ts'
import { CommandPalette } from './command-palette.tsx'
import { OfflineBanner } from './offline-banner.tsx'
import { PageOf } from './page-of.tsx'
import { firstPlace, keepPlace } from './last-place.ts'
import { HereContext, placeName } from './place-context.ts'
import styles from './shell.module.css'
import { SignOut } from './sign-out.tsx'
import { ShellCommands } from './shell-commands.tsx'
import { Sidebar } from './sidebar.tsx'
import { useSidebar } from './use-sidebar.ts'

/** The frame around every page: where one is on the left, what is there on the right. */
export function Shell({ me, address }: { readonly me: Me; readonly address: Address | null }) {
  const begin = useMemo(() => firstPlace(me), [me])
  const unplaced = address !== null && address.place === null && home.places === 'path'
  useEffect(() => {
    if (unplaced && begin) navigate({ ...address, place: begin }, { replace: true })
  }, [unplaced, begin, address])
  if (address === null) return <Lost begin={begin} />
  if (unplaced) return begin ? <Waiting /> : <Nowhere me={me} />
  return <Placed key={placeKey(address.place)} me={me} address={address} />
}

function Placed({ me, address }: { readonly me: Me; readonly address: Address }) {
  const { place } = address
  const scope = useQuery(scopeQuery(place))
  useScopeEvents({ place, person: me.subject, ready: scope.data !== undefined })
  useEffect(() => {
    if (place && scope.data) keepPlace(place)
  }, [place, scope.data])
  const [side, sidebar] = useSidebar(address)
  const [palette, setPalette] = useState<'commands' | 'places' | 'keys' | null>(null)
  // What was seen before stays where the server is away; it does not where the right to see it is gone.
  const gone = isAmbitError(scope.error) && scope.error.code === 'not_found'
  const here = useMemo(() => (scope.data && !gone ? { place, scope: scope.data, me } : null), [place, scope.data, gone, me])
  if (here === null) return scope.isError ? <NotHere me={me} place={place} error={scope.error} retry={() => void scope.refetch()} /> : <Waiting />
  return (
    <HereContext value={here}>
      <div className={styles.shell} data-side={side}>
        <a className={styles.skip} href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus() }}>Skip to the page</a>
        <Sidebar address={address} open={side === 'open'} close={sidebar.close} pickPlace={() => setPalette('places')} showKeys={() => setPalette('keys')} />
        <main id="main" className={styles.main} tabIndex={-1}>
          <OfflineBanner />
          <TitleContext value={`${placeName(here.scope)} · Ambit`}><PageOf address={address} sidebar={side} showSidebar={sidebar.open} /></TitleContext>
        </main>
      </div>
      <ShellCommands toggleSidebar={sidebar.toggle} open={setPalette} />
      <CommandPalette showing={palette} close={() => setPalette(null)} />
    </HereContext>
  )
}

/** Foreign, deleted and absent look alike, and so do they here. */
function NotHere({ me, place, error, retry }: { readonly me: Me; readonly place: Place | null; readonly error: unknown; retry(): void }) {
  const other = firstPlace({ ...me, organisations: me.organisations.filter(({ org }) => org !== place?.org || place.project !== undefined) })
  const gone = isAmbitError(error) && error.code === 'not_found'
  return (
    <main className={styles.middle}>
      {gone ? (
        <Empty alone title="There is nothing here for you" action={<>{other && <Button look="solid" onClick={() => navigate(addressIn(other, 'chats'), { replace: true })}>Go to {nameIn(me, other)}</Button>}<SignOut /></>}>
          This organisation or project does not exist, or you are not in it. Ask an admin of it for a role, or sign in as somebody who has one.
        </Empty>
      ) : <Problem error={error} retry={retry} />}
    </main>
  )
}

function nameIn({ organisations }: Me, { org, project }: Place): string {
  const found = organisations.find((one) => one.org === org)
  if (project === undefined) return found?.name ?? org
  return found?.projects.find((one) => one.project === project)?.name ?? project
}

function Lost({ begin }: { readonly begin: Place | null }) {
  return (
    <main className={styles.middle}>
      <Empty alone title="There is no such page" action={<Button look="solid" onClick={() => navigate(addressIn(begin, 'chats'))}>To the chats</Button>}>
        The address may be mistyped, or cut off.
      </Empty>
    </main>
  )
}

function Nowhere({ me }: { readonly me: Me }) {
  return (
    <main className={styles.middle}>
      <Empty alone title={`Welcome, ${me.name ?? me.subject}`} action={<SignOut />}>You are in no organisation and no project yet. Ask an admin for a role; then load this page again.</Empty>
    </main>
  )
}

function Waiting() {
  return <main className={styles.middle}><Skeleton label="Loading" /></main>
}
