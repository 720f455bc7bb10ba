import type { RunDetail } from '../api/runs.ts'
import { countOf } from '../design/count.ts'
import { Empty } from '../design/empty.tsx'
import styles from './context-view.module.css'
import { Hidden } from './hidden.tsx'
import { fateOf, segmentsOf } from './manifest-segments.ts'
import type { Manifest } from './manifest-segments.ts'

/** What the model was told: how the budget of tokens was spent, and every slice, also those that were cut. */
export function ContextView({ run }: { readonly run: RunDetail }) {
  if (run.scope === null) return <Hidden />
  if (run.manifest === null) return <Empty title="Nothing was told yet">What the model is told is written down with the first thing that it says.</Empty>
  const { manifest } = run
  const segments = segmentsOf(manifest)
  const told = segments.reduce((sum, one) => sum + one.told, 0)
  const seriesOf = new Map(segments.map(({ source, series }) => [source, series]))
  return (
    <div className={styles.view}>
      <p className={styles.sum}><b>{countOf(told)}</b> of {countOf(manifest.budget)} tokens, estimated</p>
      <div className={styles.bar} aria-hidden>
        {segments.map(({ source, share, series }) => <span key={source} className={styles.segment} data-series={series} style={{ flexBasis: `${100 * share}%` }} title={source} />)}
      </div>
      <Slices manifest={manifest} seriesOf={seriesOf} />
    </div>
  )
}

function Slices({ manifest, seriesOf }: { readonly manifest: Manifest; readonly seriesOf: ReadonlyMap<string, number> }) {
  return (
    <table className={styles.table}>
      <caption className="unseen">Every slice of what the model was told</caption>
      <thead><tr><th scope="col">Source</th><th scope="col" className={styles.number}>Told</th><th scope="col" className={styles.number}>Of</th></tr></thead>
      <tbody>
        {manifest.entries.map((slice, at) => (
          <tr key={at} data-outcome={slice.outcome}>
            <th scope="row">
              <span className={styles.name}><span className={styles.mark} data-series={seriesOf.get(slice.source)} aria-hidden />{slice.source}{slice.about && ` ${slice.about.type} ${slice.about.id}`}</span>
              <span className={styles.fate}>{slice.scope}. {fateOf(slice)}{slice.messages && `; ${slice.messages.told} of ${slice.messages.of} messages`}.</span>
            </th>
            <td className={styles.number}>{countOf(slice.told)}</td>
            <td className={styles.number}>{countOf(slice.tokens)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
