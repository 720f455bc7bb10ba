import { Suspense, lazy } from 'react'
import type { Address } from '../address/address.ts'
import { Panel } from '../design/panel.tsx'
import { Skeleton } from '../design/skeleton.tsx'

const Inspector = lazy(async () => ({ default: (await import('../inspector/inspector.tsx')).Inspector }))
const Passage = lazy(async () => ({ default: (await import('../documents/passage.tsx')).Passage }))

/** What the address opens beside a chat: what a run did, or the document that an answer cites. */
export function BesideChat({ search, close }: { readonly search: Address['search']; close(): void }) {
  const { run, document, cited = '' } = search
  if (document !== undefined) return <Panel title="Source" close={close}><Suspense fallback={<Skeleton />}><Passage key={document} documentId={document} words={cited} /></Suspense></Panel>
  if (run !== undefined) return <Panel title="What the run did" close={close}><Suspense fallback={<Skeleton />}><Inspector key={run} runId={run} /></Suspense></Panel>
  return null
}
