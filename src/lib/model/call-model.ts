import { setTimeout as delay } from 'node:timers/promises'
import type { Limits } from '../limits/limits.ts'
import { faultPoint } from '../observe/fault-point.ts'
import type { Log } from '../observe/log.ts'
import { NO_METRICS } from '../observe/metrics.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Circuit } from './circuit.ts'
import { eventOf, failureOf, isSignOfLife, openParts } from './language-model.ts'
import type { LanguageModelV4 } from './language-model.ts'
import { ModelFault } from './model-event.ts'
import type { ModelEvent } from './model-event.ts'
import type { ModelPrompt } from './prompt.ts'

/** A model that may be called, and the circuit of its provider; null where none is kept. */
export interface OpenModel {
  readonly model: LanguageModelV4
  readonly circuit: Circuit | null
  readonly metrics?: Metrics
}

export interface ModelCall extends ModelPrompt {
  readonly signal: AbortSignal
  readonly log: Log
  readonly limits: CallLimits
}

type CallLimits = Pick<Limits, 'modelFirstMs' | 'modelIdleMs' | 'modelMs' | 'modelRetries' | 'modelRetryMs'>

/**
 * One model call as events. A try that fails before its first event, and may succeed a moment later, is made again: nobody
 * hears of it but the log. Throws a ModelFault where the provider fails, falls silent, takes too long or breaks off; throws
 * `signal.reason` where it was told to stop. However it ends, the upstream connection is closed.
 */
export async function* callModel({ model, circuit, metrics = NO_METRICS }: OpenModel, call: ModelCall): AsyncGenerator<ModelEvent, void, undefined> {
  const { provider } = model
  const began = performance.now()
  let outcome = 'stopped'
  const watch = watchCall(call)
  try {
    for (let tries = 1; ; tries += 1) {
      let reader: Awaited<ReturnType<typeof openParts>> | undefined
      let said = false
      let finished = false
      try {
        watch.listen()
        reader = await openParts(model, call, watch.signal)
        faultPoint('model_asked')
        while (true) {
          const { done, value } = await reader.read()
          watch.signal.throwIfAborted()
          if (done) break
          if (isSignOfLife(value)) watch.heard()
          const event = eventOf(value)
          if (!event) continue
          if (!said) {
            circuit?.answers()
            metrics.modelAnswered({ provider, seconds: (performance.now() - began) / 1_000 })
          }
          said = true
          finished ||= event.type === 'finish'
          yield event
        }
        if (!finished) throw new ModelFault('model_empty', 'The model broke off. Ask again.')
        outcome = 'completed'
        return circuit?.succeeded()
      } catch (error) {
        call.signal.throwIfAborted()
        watch.rest()
        reader?.cancel().catch(() => {}) // one that has failed rejects with what is already known
        const fault = faultOf(watch.signal.aborted ? watch.signal.reason : error)
        const waitMs = said || tries > call.limits.modelRetries ? null : waitBeforeNext(fault, tries, call.limits)
        const fields = { provider: model.provider, tries, cause: fault.failure.cause }
        if (waitMs === null) {
          outcome = fault.code
          if (fault.failure.providerFault && circuit?.failed()) call.log.warn(fields, 'this provider fails again and again: no run begins with it for a while')
          throw said ? brokenOff(fault) : fault
        }
        call.log.warn({ ...fields, wait_ms: waitMs }, 'the model call failed before its first word and is tried again')
        await pause(waitMs, watch.signal)
      }
    }
  } finally {
    watch.end()
    metrics.modelEnded({ provider, outcome })
  }
}

/** After its first word a call is never tried again here; its caller may drop what was said, and ask anew. What took too long once would again. */
function brokenOff(fault: ModelFault): ModelFault {
  return new ModelFault(fault.code, fault.message, { ...fault.failure, retryable: fault.code !== 'model_slow' })
}

/** What ends a call from outside, in one signal: the stop, the silence, the length. */
interface Watch {
  readonly signal: AbortSignal
  /** A try begins: its first sign of life is waited for. */
  listen(): void
  heard(): void
  /** Nothing is waited for. */
  rest(): void
  end(): void
}

const LATE_MS = 1_000

/** The reason of an end that nobody asks about: without one, each call would make a DOMException with its stack. */
const OVER = 'over'

function watchCall({ signal, limits }: ModelCall): Watch {
  const ending = new AbortController()
  let alive = false
  const stop = () => ending.abort(signal.reason)
  // Silence after a sign of life may be long thought: what somebody asks must not close a provider for all.
  const silent = () => ending.abort(new ModelFault('model_idle', 'The model fell silent. Ask again.', { providerFault: !alive }))
  const slow = () => ending.abort(new ModelFault('model_slow', 'The model took too long. Ask again, with a smaller question.'))
  const whole = setTimeout(slow, limits.modelMs)
  let silence: NodeJS.Timeout | undefined
  let due = 0
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const wait = (ms: number) => {
    clearTimeout(silence)
    due = performance.now() + ms
    // Far too late: it was this process that stood still, and what came meanwhile is still to be read.
    silence = setTimeout(() => (performance.now() > due + LATE_MS ? wait(ms) : silent()), ms)
  }
  return {
    signal: ending.signal,
    listen() {
      alive = false
      wait(limits.modelFirstMs)
    },
    heard() {
      if (alive) {
        due = performance.now() + limits.modelIdleMs
        return void silence?.refresh()
      }
      alive = true
      wait(limits.modelIdleMs)
    },
    rest: () => clearTimeout(silence),
    end() {
      clearTimeout(silence)
      clearTimeout(whole)
      signal.removeEventListener('abort', stop)
      ending.abort(OVER)
    },
  }
}

function faultOf(error: unknown): ModelFault {
  if (error instanceof ModelFault) return error
  return new ModelFault('model_error', 'The model could not answer. Try again in a moment.', failureOf(error))
}

/** A provider that wants to be left alone for longer is not waited for: somebody reads along. */
const MAX_WAIT_MS = 30_000

/**
 * Milliseconds until the next try; null: there is none. As long as the provider says, else doubling. Without chance in it:
 * runs come when people ask, and not in step.
 */
function waitBeforeNext({ failure }: ModelFault, tries: number, { modelRetryMs }: CallLimits): number | null {
  if (!failure.retryable) return null
  const waitMs = failure.retryAfterMs ?? Math.min(modelRetryMs * 2 ** (tries - 1), MAX_WAIT_MS)
  return waitMs > MAX_WAIT_MS ? null : waitMs
}

/** Throws the signal's reason where it comes first. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}
