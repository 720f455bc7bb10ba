import { splitEvents } from '../../src/lib/wire/encode-event.ts'
import type { StoredEvent } from '../../src/lib/wire/encode-event.ts'
import { parseCursor } from '../../src/lib/journal/cursor.ts'
import { parseToken } from '../script.ts'
import type { History } from './ask.ts'
import type { StoredRun } from './stored.ts'

const TERMINAL = new Set(['finish', 'abort', 'error'])
const ORDINARY = new Set(['done', 'dropped', 'left', 'nothing'])

/** What of a question that has ended does not hold, in words; empty: everything. */
export function faultsOf(history: History, stored: StoredRun): readonly string[] {
  const kept = splitEvents(stored.texts.join(''))
  return [...askedFaults(history, stored), ...keptFaults(stored, kept), ...saidFaults(history, stored, kept), ...readFaults(history, kept), ...stopFaults(history, stored)]
}

/** How the asking itself went: nothing here is broken on purpose but by the reader. */
export function connectionFaults({ connections }: History): readonly string[] {
  return connections.filter(({ end }) => !ORDINARY.has(end)).map(({ door, status, end, detail }) => `${door}: ${end} (${status}) ${detail}`)
}

/** Acknowledged is stored, once, and answered by the run that was named, and by no other. */
function askedFaults({ runId }: History, { messages, runs, state, errorCode }: StoredRun): string[] {
  const faults = []
  if (messages !== 1) faults.push(`its message is stored ${messages} times`)
  if (runs !== 1) faults.push(`its message has ${runs} runs, and not ${runId} alone`)
  if (state === 'failed') faults.push(`it failed: ${errorCode}`)
  return faults
}

/** One end, and a dense sequence under fences that do not fall. */
function keptFaults({ lastSeq, fence }: StoredRun, kept: readonly StoredEvent[]): string[] {
  const ends = kept.flatMap(({ type }, index) => (TERMINAL.has(type) ? [index] : []))
  const places = kept.map(({ id }) => parseCursor(id))
  const faults = []
  if (ends.length !== 1 || ends[0] !== kept.length - 1) faults.push(`it ends at ${ends.join(', ') || 'no place'} of ${kept.length} events`)
  if (kept.length !== lastSeq) faults.push(`${kept.length} events are kept of ${lastSeq}`)
  const gap = places.findIndex((place, index) => place?.seq !== index + 1 || place.fence > fence || place.fence < (places[index - 1]?.fence ?? 1))
  if (gap >= 0) faults.push(`${kept[gap]?.id} stands at ${gap + 1}`)
  return faults
}

/** The model's tokens, in order: all of them, or up to where it was stopped. */
function saidFaults({ plan }: History, { state }: StoredRun, kept: readonly StoredEvent[]): string[] {
  const said = kept.map(({ data }) => (JSON.parse(data) as { delta?: string }).delta ?? '').join('').split(' ').filter((token) => token !== '')
  const wrong = said.findIndex((token, index) => parseToken(token).index !== index)
  if (wrong >= 0) return [`token ${said[wrong]} was kept at ${wrong}`]
  return state === 'completed' && said.length !== plan.script.tokens ? [`${said.length} of ${plan.script.tokens} tokens were kept`] : []
}

/** Byte for byte what was kept, or told to drop the difference. */
function readFaults({ held, whole, connections }: History, kept: readonly StoredEvent[]): string[] {
  const left = afterResets(held)
  const differs = left.findIndex(({ text, replaced }, index) => `${text}\n\n` !== kept[index]?.text && !(replaced && kept[index]?.type === 'start-step'))
  // Who went for good may have gone with an attempt that was dropped later, and nobody told it.
  const wrong = !whole && fenceOf(left[differs]?.text) < fenceOf(kept[differs]?.text) ? -1 : differs
  const faults = []
  if (wrong >= 0) faults.push(`its reader holds ${left[wrong]?.text} at ${wrong + 1}, where ${kept[wrong]?.text ?? 'nothing'} was kept`)
  if (whole && left.length !== kept.length) faults.push(`its reader was told that ${left.length} of ${kept.length} events are all`)
  if (!whole && connections.at(-1)?.end !== 'left') faults.push(`its reader never came to the end: ${JSON.stringify(connections.slice(-3))}`)
  return faults
}

/** What was confirmed is how it ended. */
function stopFaults({ plan, stop }: History, { state }: StoredRun): string[] {
  if (!stop) return state === 'stopped' ? [`it was stopped, and nobody asked for that (planned after ${plan.stopAfter})`] : []
  if (stop.status === 202) return []
  return stop.status === 200 && stop.state === state ? [] : [`the stop was answered ${stop.status} ${stop.state}, and the run is ${state}`]
}

interface Held {
  readonly text: string
  /** A start-step that stands for the attempt after a reset: its id is of the one that was dropped. */
  readonly replaced: boolean
}

/** As a client applies it: what came after the last start-step is gone, and that start-step stays. */
function afterResets(held: readonly string[]): readonly Held[] {
  const left: Held[] = []
  for (const text of held) {
    if (!isReset(text)) left.push({ text, replaced: false })
    else {
      const start = left.findLastIndex((one) => one.text.includes('\ndata: {"type":"start-step"'))
      left.splice(start + 1)
      const step = left.pop()
      if (step) left.push({ ...step, replaced: true })
    }
  }
  return left
}

function fenceOf(event: string | undefined): number {
  return parseCursor(/^id: (\S+)/.exec(event ?? '')?.[1] ?? '')?.fence ?? 0
}

export function isReset(event: string): boolean {
  return event.includes('\ndata: {"type":"reset-step"')
}
