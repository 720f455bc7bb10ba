import { APICallError } from '@ai-sdk/provider'
import type { LanguageModelV4, LanguageModelV4StreamPart as StreamPart } from '@ai-sdk/provider'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Limits } from '../../src/index.ts'
import { parseStream, said } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { finish, gate, says, scriptedModel } from '../support/scripted-model.ts'
import type { ScriptedModel } from '../support/scripted-model.ts'
import { answerTo, assistantTexts, freshThread, logged, messagesOf, must, post, readRest, readUntil, runIdOf, runOf, useStage } from '../support/stage.ts'

const SECRET = 'sk-SECRET-4711'
const never = new Promise<never>(() => {})
const begun: readonly StreamPart[] = [
  { type: 'text-start', id: '0' },
  { type: 'text-delta', id: '0', delta: 'So far ' },
  { type: 'text-delta', id: '0', delta: 'so good' },
]

const apiError = new APICallError({
  message: `bad key ${SECRET}`,
  url: `https://upstream.test/v1?key=${SECRET}`,
  requestBodyValues: { messages: [SECRET] },
  statusCode: 401,
  responseHeaders: { 'set-cookie': SECRET },
  responseBody: `{"error":"${SECRET}"}`,
  isRetryable: false,
})

interface Fault {
  readonly name: string
  readonly model: () => ScriptedModel
  readonly code: string
  readonly words: string
  readonly says?: string
  readonly limits?: Partial<Limits>
  /** What the log must name as the cause. */
  readonly cause: string
}

const ERROR = { code: 'model_error', words: 'The model could not answer. Try again in a moment.' }
const IDLE = { code: 'model_idle', words: 'The model fell silent. Ask again.', limits: { modelFirstMs: 40, modelIdleMs: 40 }, cause: 'The model fell silent. Ask again.' }

/** As a provider that hangs before it answers; whether it heeds the signal is the point of the two. */
function hanging(heeds: boolean): ScriptedModel {
  const model = scriptedModel(says('Now.'))
  let first = true
  return {
    ...model,
    doStream: async (options) => {
      if (!first) return model.doStream(options)
      first = false
      return new Promise<never>((_, reject) => {
        if (heeds) options.abortSignal?.addEventListener('abort', () => reject(options.abortSignal?.reason))
      })
    },
  }
}

/** A stream that says something, then no more, and whose cancelling never ends. */
function deaf(): LanguageModelV4['doStream'] {
  return async () => ({
    stream: new ReadableStream<StreamPart>({
      start(controller) {
        for (const part of begun) controller.enqueue(part)
      },
      cancel: () => never,
    }),
  })
}

function once(model: ScriptedModel, doStream: LanguageModelV4['doStream']): ScriptedModel {
  let first = true
  return {
    ...model,
    doStream: async (options) => {
      if (!first) return model.doStream(options)
      first = false
      return doStream(options)
    },
  }
}

const faults: readonly Fault[] = [
  { name: 'rejects', model: () => scriptedModel([new Error(`no route to ${SECRET}`)], says('Now.')), ...ERROR, cause: `no route to ${SECRET}` },
  {
    name: 'throws at once',
    model: () => once(scriptedModel(says('Now.')), () => {
      throw new Error(`no route to ${SECRET}`)
    }),
    ...ERROR, cause: `no route to ${SECRET}`,
  },
  { name: 'rejects with an APICallError', model: () => scriptedModel([apiError], says('Now.')), ...ERROR, cause: `bad key ${SECRET}` },
  { name: 'rejects with what is no Error', model: () => once(scriptedModel(says('Now.')), () => Promise.reject(SECRET)), ...ERROR, cause: SECRET },
  { name: 'errors in mid-stream', model: () => scriptedModel([...begun, new Error(`reset ${SECRET}`)], says('Now.')), ...ERROR, says: 'So far so good', cause: `reset ${SECRET}` },
  { name: 'sends an error part', model: () => scriptedModel([...begun, { type: 'error', error: apiError }], says('Now.')), ...ERROR, says: 'So far so good', cause: `bad key ${SECRET}` },
  { name: 'sends an error part that is text', model: () => scriptedModel([{ type: 'error', error: SECRET }], says('Now.')), ...ERROR, cause: SECRET },
  { name: 'ends without finish', model: () => scriptedModel([...begun], says('Now.')), code: 'model_empty', words: 'The model broke off. Ask again.', says: 'So far so good', cause: 'The model broke off. Ask again.' },
  { name: 'ends without a part', model: () => scriptedModel([{ type: 'stream-start', warnings: [] }], says('Now.')), code: 'model_empty', words: 'The model broke off. Ask again.', cause: 'The model broke off. Ask again.' },
  { name: 'says nothing', model: () => scriptedModel([finish()], says('Now.')), code: 'model_empty', words: 'The model gave no answer. Ask again.', cause: 'The model gave no answer. Ask again.' },
  {
    name: 'thinks and says nothing',
    model: () => scriptedModel([{ type: 'reasoning-start', id: '0' }, { type: 'reasoning-delta', id: '0', delta: 'Hm.' }, { type: 'reasoning-end', id: '0' }, finish()], says('Now.')),
    code: 'model_empty', words: 'The model gave no answer. Ask again.', cause: 'The model gave no answer. Ask again.',
  },
  { name: 'never sends', model: () => scriptedModel([never], says('Now.')), ...IDLE },
  { name: 'falls silent in mid-answer', model: () => scriptedModel([...begun, never], says('Now.')), ...IDLE, says: 'So far so good' },
  { name: 'hangs before its stream', model: () => hanging(true), ...IDLE },
  { name: 'hangs before its stream and ignores the abort', model: () => hanging(false), ...IDLE },
  { name: 'falls silent and ignores the abort', model: () => once(scriptedModel(says('Now.')), deaf()), ...IDLE, says: 'So far so good' },
]

describe.each(databaseKinds)('a model that fails, on $name', (kind) => {
  const stage = useStage(kind)

  test.each(faults)('$name', async ({ model: make, code, words, says: kept = '', limits, cause }) => {
    const model = make()
    const { ambit, lines } = stage.start({ model, limits: { stepRetries: 0, ...limits } })
    const thread = freshThread()
    const streamed = await answerTo(stage, ambit, { thread })
    expectSound(streamed)
    expect(streamed.chunks.filter((chunk) => chunk.type === 'error')).toEqual([{ type: 'error', errorText: words }])
    expect(streamed.text).not.toContain(SECRET)
    expect(said(streamed.chunks)).toBe(kept)

    const run = await runOf(stage, ambit, runIdOf(streamed))
    expect(run).toMatchObject({ state: 'failed', error_code: code, finish_reason: null })
    const line = await logged(lines, 'the run failed')
    expect(line).toMatchObject({ org_slug: 'acme', project_slug: 'apollo', run_id: run.id, code })
    expect(line['request_id']).toEqual(expect.any(String))
    expect(JSON.stringify(line['cause'])).toContain(cause)

    const stored = must((await messagesOf(stage, ambit, { thread })).at(-1))
    expect(stored.metadata.ambit.run).toEqual({ id: run.id, state: 'failed', error_code: code })
    expect(stored.parts.flatMap((part) => (part['type'] === 'text' ? [part['text']] : [])).join('')).toBe(kept)
    expect(JSON.stringify(stored)).not.toContain(SECRET)

    const next = await answerTo(stage, ambit, { thread, text: 'And now?' })
    expectSound(next)
    expect(said(next.chunks)).toBe('Now.')
    expect(assistantTexts(model.calls.at(-1))).toEqual(kept === '' ? [] : [kept])
  })

  test('an APICallError’s request never reaches the log', async () => {
    const { ambit, lines } = stage.start({ model: scriptedModel([apiError]) })
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    const line = await logged(lines, 'the run failed')
    expect(line['cause']).toMatchObject({ message: `bad key ${SECRET}` })
    expect(JSON.stringify(line)).not.toMatch(/"messages"|"set-cookie"/)
    expect(streamed.chunks.at(-1)?.type).toBe('error')
  })

  test('idle is silence, not length: an answer longer than the bound is no fault', async () => {
    const beats = () => Array.from({ length: 6 }, (_, index) => [pause(30 * (index + 1)), { type: 'text-delta' as const, id: '0', delta: `${index}` }]).flat()
    const model = scriptedModel(() => [{ type: 'text-start', id: '0' }, ...beats(), { type: 'text-end', id: '0' }, finish()])
    const { ambit } = stage.start({ model, limits: { modelIdleMs: 150 } })
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('012345')
  })

  test('a process that stood still does not take its own silence for the model’s', async () => {
    const later = gate()
    const { ambit } = stage.start({ model: scriptedModel([...begun, later.opened, { type: 'text-end', id: '0' }, finish()]), limits: { modelIdleMs: 400 } })
    const reader = must((await post(stage, ambit, { thread: freshThread() })).body).getReader()
    const early = await readUntil(reader, 'So far')
    const until = performance.now() + 1_600
    while (performance.now() < until); // nothing is read, and no timer runs
    setTimeout(later.open, 50) // the wait for the model is long over, and its timer runs before this one
    const streamed = parseStream(early + (await readRest(reader)))
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toMatchObject({ type: 'finish' })
    expect(streamed.chunks.filter(({ type }) => type === 'reset-step')).toEqual([])
  })

  test('a run that takes too long is ended', async () => {
    const model = scriptedModel([...begun, never])
    const { ambit } = stage.start({ model, limits: { runMs: 60 } })
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: 'This answer took too long and was ended here.' })
    expect(await runOf(stage, ambit, runIdOf(streamed))).toMatchObject({ state: 'failed', error_code: 'run_limit' })
  })

  test('a model that talks too much is ended, and its stream cancelled', async () => {
    const model = scriptedModel([{ type: 'text-start', id: '0' }, ...Array.from({ length: 200 }, () => ({ type: 'text-delta' as const, id: '0', delta: 'x'.repeat(1_000) }))])
    const { ambit } = stage.start({ model, limits: { runBytes: 50_000 } })
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: 'This answer grew too long and was ended here.' })
    expect(streamed.text.length).toBeLessThan(55_000)
    expect(model.cancelled()).toBe(1)
  })
})
