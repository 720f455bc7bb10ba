import { PanelLeft } from 'lucide-react'
import { Suspense, lazy } from 'react'
import type { ReactNode } from 'react'
import type { Address, PageName } from '../address/address.ts'
import { IconButton } from '../design/button.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { Broken } from './broken.tsx'
import styles from './page-of.module.css'

/** What every page is given. */
export interface PageProps {
  readonly address: Address
  /** Stands before the title: the way to the sidebar, hidden where that is shown. */
  readonly before: ReactNode
}

// Each is loaded when it is first looked at.
const PAGES = {
  chats: lazy(async () => ({ default: (await import('../chat/chat-page.tsx')).ChatPage })),
  runs: lazy(async () => ({ default: (await import('../runs/runs-page.tsx')).RunsPage })),
  documents: lazy(async () => ({ default: (await import('../documents/documents-page.tsx')).DocumentsPage })),
  people: lazy(async () => ({ default: (await import('../people/people-page.tsx')).PeoplePage })),
  projects: lazy(async () => ({ default: (await import('../projects/projects-page.tsx')).ProjectsPage })),
  keys: lazy(async () => ({ default: (await import('../keys/keys-page.tsx')).KeysPage })),
  settings: lazy(async () => ({ default: (await import('../settings/settings-page.tsx')).SettingsPage })),
} satisfies Record<PageName, unknown>

export function PageOf({ address, sidebar, showSidebar }: { readonly address: Address; readonly sidebar: 'open' | 'closed'; showSidebar(): void }) {
  const Shown = PAGES[address.page]
  const before = <IconButton hidden={sidebar === 'open'} label="Show the sidebar" keys="mod+b" onClick={showSidebar}><PanelLeft size={18} /></IconButton>
  return (
    <Broken what={`${address.page} ${address.id ?? ''}`}>
      <div className={styles.row}><Suspense fallback={<Skeleton lines={5} />}><Shown address={address} before={before} /></Suspense></div>
    </Broken>
  )
}
