import { addressIn } from '../address/navigation.ts'
import { Link } from '../address/link.tsx'
import { isHidden, isLive } from '../api/runs.ts'
import type { RunDetail } from '../api/runs.ts'
import { countOf, plural } from '../design/count.ts'
import { Empty } from '../design/empty.tsx'
import { useHere } from '../shell/place-context.ts'
import styles from './context-view.module.css'
import { Hidden } from './hidden.tsx'
import { OWNERS, fateOf, spendingOf } from './manifest-segments.ts'
import type { Manifest, Segment, Slice, Spending } from './manifest-segments.ts'

/** Below this part of the budget, its segments are too thin to be told apart, and are shown enlarged. */
const THIN = 0.5
/** A part of the bar in which its number has no room. */
const NARROW = 0.04

/** What the model was told: how the budget of tokens was spent, and every slice, also those that were cut. */
export function ContextView({ run }: { readonly run: RunDetail }) {
  if (isHidden(run)) return <Hidden />
  const { manifest } = run
  if (manifest === null) return isLive(run) ? <Empty title="Not written down yet">What the model was told is written down with its first step, and shown then.</Empty> : <Empty title="Not known">It ended before the model was told anything, or what it was told was not kept.</Empty>
  const spending = spendingOf(manifest)
  return (
    <div className={styles.view}>
      <Budget spending={spending} />
      <Slices manifest={manifest} segments={spending.segments} />
    </div>
  )
}

function Budget({ spending: { segments, budget, told, left, slicesLeft } }: { readonly spending: Spending }) {
  const percent = Math.round((100 * told) / Math.max(budget, 1))
  return (
    <figure className={styles.budget}>
      <figcaption>
        <p className={styles.sum}><b>{countOf(told)}</b> of {countOf(budget)} tokens, estimated ({told > 0 && percent === 0 ? 'less than 1' : percent} %)</p>
        {slicesLeft > 0 && <p className={styles.left}>{countOf(left)} more in {plural(slicesLeft, 'slice')} that {slicesLeft === 1 ? 'was' : 'were'} cut or left out</p>}
      </figcaption>
      <div className={styles.bar} aria-hidden>
        {segments.map((segment) => <span key={segment.source} className={styles.segment} data-series={segment.series} style={{ flexBasis: `${100 * segment.share}%` }} title={titleOf(segment)}>{told >= THIN * budget && segment.share > NARROW && segment.number}</span>)}
      </div>
      {told < THIN * budget && (
        <div className={styles.enlarged} aria-hidden>
          <svg className={styles.lens} viewBox="0 0 100 10" preserveAspectRatio="none"><polygon points={`0,0 ${Math.max(2, (100 * told) / budget)},0 100,10 0,10`} /></svg>
          <div className={styles.bar}>
            {segments.map((segment) => <span key={segment.source} className={styles.segment} data-series={segment.series} style={{ flexBasis: `${100 * segment.part}%` }} title={titleOf(segment)}>{segment.part > NARROW && segment.number}</span>)}
          </div>
        </div>
      )}
    </figure>
  )
}

function titleOf({ number, source, told }: Segment): string {
  return `${number}. ${source}: ${countOf(told)} tokens`
}

function Slices({ manifest, segments }: { readonly manifest: Manifest; readonly segments: readonly Segment[] }) {
  return (
    <table className={styles.table}>
      <caption className="unseen">Every slice of what the model was told, in tokens</caption>
      <thead><tr><th scope="col">Source</th><th scope="col" className={styles.number}>Told</th><th scope="col" className={styles.number}>Of</th></tr></thead>
      <tbody>
        {manifest.entries.map((slice, at) => (
          <tr key={at} data-outcome={slice.outcome}>
            <th scope="row"><SliceName slice={slice} segment={segments.find(({ source }) => source === slice.source)} /></th>
            <td className={styles.number}>{countOf(slice.told)}</td>
            <td className={styles.number}>{countOf(slice.tokens)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function SliceName({ slice, segment }: { readonly slice: Slice; readonly segment: Segment | undefined }) {
  const { place } = useHere()
  const { source, scope, about } = slice
  return (
    <>
      <span className={styles.name}>
        <span className={styles.mark} data-series={slice.told > 0 ? segment?.series : undefined} aria-hidden>{slice.told > 0 ? segment?.number : '–'}</span>
        <span>{source}</span>
      </span>
      {about && <span className={styles.about}>{about.type === 'document' ? <Link to={addressIn(place, 'documents', about.id)}>{about.id}</Link> : `${about.type} ${about.id}`}</span>}
      <span className={styles.fate}>{OWNERS[scope]} · {fateOf(slice)}</span>
    </>
  )
}
