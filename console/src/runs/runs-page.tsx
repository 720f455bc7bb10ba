import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Suspense, lazy } from 'react'
import type { Address } from '../address/address.ts'
import { Link } from '../address/link.tsx'
import { addressIn, navigate } from '../address/navigation.ts'
import { runQuery, runsQuery } from '../api/runs.ts'
import type { RunFilter } from '../api/runs.ts'
import { Button } from '../design/button.tsx'
import { Page } from '../design/page.tsx'
import { Panel } from '../design/panel.tsx'
import { Select } from '../design/select.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import type { PageProps } from '../shell/page-of.tsx'
import { useHere } from '../shell/place-context.ts'
import { RunList } from './run-list.tsx'
import styles from './runs-page.module.css'

const Inspector = lazy(async () => ({ default: (await import('../inspector/inspector.tsx')).Inspector }))

const STATES = [
  { value: '', label: 'All runs' }, { value: 'running,queued', label: 'Under way' }, { value: 'completed', label: 'Done' }, { value: 'stopped', label: 'Stopped' }, { value: 'failed', label: 'Failed' },
] as const

/** What runs and ran here, in the threads that one may see; and beside it, what one of them did. */
export function RunsPage({ address, before }: PageProps) {
  const { place } = useHere()
  const { id, search } = address
  const filter = filterOf(search)
  const runs = useInfiniteQuery({ ...runsQuery(place, filter), placeholderData: keepPreviousData })
  const narrow = (name: string, value: string) => navigate({ ...address, search: Object.fromEntries(Object.entries({ ...search, [name]: value }).filter(([, one]) => one !== '')) })
  return (
    <>
      <Page
        filled title="Runs" before={before}
        actions={
          <>
            <Button small look="plain" aria-pressed={filter.mine} onClick={() => narrow('mine', filter.mine ? '' : 'yes')}>Mine</Button>
            <Select small label="State" value={filter.state} choices={choicesWith(filter.state)} onChange={(state) => narrow('state', state)} />
          </>
        }
      >
        {filter.thread !== null && (
          <p className={styles.filter}>
            <span>Only those of {runs.data?.[0]?.thread_title ? `“${runs.data[0].thread_title}”` : 'one chat'}</span>
            <Button small onClick={() => narrow('thread', '')}>All chats</Button>
          </p>
        )}
        <RunList runs={runs} chosen={id} filtered={filter.state !== '' || filter.mine || filter.thread !== null} open={(run, { replace }) => navigate({ ...address, id: run }, { replace })} />
      </Page>
      {id !== null && <BesideRuns id={id} close={() => navigate({ ...address, id: null })} />}
    </>
  )
}

function filterOf(search: Address['search']): RunFilter {
  return { state: search['state'] ?? '', mine: search['mine'] === 'yes', thread: search['thread'] ?? null }
}

/** What somebody wrote into the address is shown as it stands; whether there is such a state, the server says. */
function choicesWith(state: string): readonly { readonly value: string; readonly label: string }[] {
  return STATES.some(({ value }) => value === state) ? STATES : [...STATES, { value: state, label: state }]
}

function BesideRuns({ id, close }: { readonly id: string; close(): void }) {
  const { place } = useHere()
  const run = useQuery(runQuery(place, id)).data
  const chat = run && run.thread_title !== null && <Link className={styles.chat} to={addressIn(place, 'chats', run.thread_id, { run: id })}>Open the chat</Link>
  return (
    <Panel title="What the run did" close={close} actions={chat}>
      <Suspense fallback={<Skeleton lines={8} label="Loading the run" />}><Inspector key={id} runId={id} /></Suspense>
    </Panel>
  )
}
