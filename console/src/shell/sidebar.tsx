import { Activity, ChevronsUpDown, FileText, FolderTree, KeyRound, PanelLeftClose, Plus, Search, Settings2, Users } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import type { ReactNode } from 'react'
import type { Address, PageName } from '../address/address.ts'
import { Link } from '../address/link.tsx'
import { addressIn } from '../address/navigation.ts'
import { IconButton } from '../design/button.tsx'
import { Drawer } from '../design/drawer.tsx'
import { PHONE } from '../design/use-media.ts'
import { AccountMenu } from './account-menu.tsx'
import { placeName, useHere } from './place-context.ts'
import type { Here } from './place-context.ts'
import styles from './sidebar.module.css'
import { ThreadList } from './thread-list.tsx'

interface SidebarProps {
  readonly address: Address
  readonly open: boolean
  close(): void
  pickPlace(): void
  showKeys(): void
}

/** Where one is, the threads of it, and its pages. */
export function Sidebar({ address, open, close, pickPlace, showKeys }: SidebarProps) {
  const here = useHere()
  const [query, setQuery] = useState('')
  const deferred = useDeferredValue(query)
  if (!open) return null
  return (
    <Drawer as="nav" label="Threads and pages" className={styles.sidebar} overAt={PHONE} close={close}>
      <div className={styles.top}>
        <PlaceButton here={here} pick={pickPlace} />
        <IconButton label="Hide the sidebar" keys="mod+b" onClick={close}><PanelLeftClose size={18} /></IconButton>
      </div>
      <Link className={styles.begin} to={addressIn(here.place, 'chats')} aria-current={address.page === 'chats' && address.id === null ? 'page' : undefined}>
        <Plus size={16} aria-hidden /> New chat
      </Link>
      <label className={styles.search}>
        <Search size={15} aria-hidden />
        <span className="unseen">Search the threads</span>
        <input
          type="search" placeholder="Search threads" maxLength={200} value={query} onChange={(event) => setQuery(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Escape' && query !== '' && event.stopPropagation()} // which empties it, and no more
        />
      </label>
      <ThreadList chosen={address.page === 'chats' ? address.id : null} query={deferred.trim()} />
      <ul role="list" className={styles.pages}>
        {pagesOf(here).map(({ page, label, icon }) => (
          <li key={page}><Link className={styles.page} to={addressIn(here.place, page)} aria-current={address.page === page ? 'page' : undefined}>{icon}{label}</Link></li>
        ))}
      </ul>
      <AccountMenu showKeys={showKeys} />
    </Drawer>
  )
}

function PlaceButton({ here, pick }: { readonly here: Here; pick(): void }) {
  const { scope, place } = here
  return (
    <button type="button" className={styles.place} onClick={pick} disabled={place === null}>
      <span className={styles.placeName}>{placeName(scope)}</span>
      <span className={styles.placeOrg}>{scope.project ? scope.org.name : 'Organisation'}</span>
      {place !== null && <span className="unseen">: choose another organisation or project</span>}
      {place !== null && <ChevronsUpDown size={16} aria-hidden />}
    </button>
  )
}

interface PageEntry {
  readonly page: PageName
  readonly label: string
  readonly icon: ReactNode
}

/** The pages of a place, as far as it has them, and as far as one may see them. */
export function pagesOf({ scope }: Here): readonly PageEntry[] {
  const own = scope.directory === 'own'
  const organisation = scope.project === null
  const entries: readonly (PageEntry | false)[] = [
    { page: 'documents', label: 'Documents', icon: <FileText size={16} aria-hidden /> },
    { page: 'runs', label: 'Runs', icon: <Activity size={16} aria-hidden /> },
    own && organisation && { page: 'projects', label: 'Projects', icon: <FolderTree size={16} aria-hidden /> },
    own && { page: 'people', label: 'People', icon: <Users size={16} aria-hidden /> },
    own && { page: 'keys', label: 'Keys', icon: <KeyRound size={16} aria-hidden /> },
    { page: 'settings', label: 'Instructions and model', icon: <Settings2 size={16} aria-hidden /> },
  ]
  return entries.filter((entry) => entry !== false)
}
