import { Session } from 'node:inspector/promises'
import { summarise } from './profile.ts'

type Answers = Readonly<Record<string, (argument: never) => unknown>>

/** What every child tells its parent about itself. Its CPU holds all its threads, the garbage collector's included. */
const OWN_ANSWERS: Answers = {
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  memory: () => {
    collect()
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rss, heap: heapUsed + external }
  },
  settle: collect,
  profile: startProfile,
  profiled: endProfile,
}

/** Twice: what the first pass finalises, the second one frees. */
function collect(): void {
  globalThis.gc?.()
  globalThis.gc?.()
}

const SAMPLE_MICROS = 200
let profiling: Session | undefined

async function startProfile(): Promise<void> {
  profiling = new Session()
  profiling.connect()
  await profiling.post('Profiler.enable')
  await profiling.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROS })
  await profiling.post('Profiler.start')
}

async function endProfile() {
  if (!profiling) throw new Error('No profile was started.')
  const { profile } = await profiling.post('Profiler.stop')
  profiling.disconnect()
  return summarise(profile)
}

/** The argument that the parent gave at the start. */
export function given<T>(): T {
  return JSON.parse(process.argv[2] ?? 'null') as T
}

/** Tells the parent that this process is ready, and answers it until it says `end`, or is gone. */
export function answerParent(ready: unknown, answers: Answers, end: () => unknown = () => {}): void {
  const all: Answers = { ...OWN_ANSWERS, ...answers, end }
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ id, question, argument }: { id: number; question: string; argument: unknown }) => {
    try {
      const answerer = all[question]
      if (!answerer) throw new Error(`Nobody here answers "${question}".`)
      process.send?.({ id, answer: await answerer(argument as never) })
      if (question === 'end') process.disconnect?.()
    } catch (error) {
      process.send?.({ id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  process.send?.({ id: 0, answer: ready })
}
