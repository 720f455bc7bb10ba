import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider'

/** What one model call does: parts as they come, promises that are waited for, or a fault. */
export type Script = readonly (LanguageModelV4StreamPart | Promise<unknown> | Error)[]

export interface ScriptedModel extends LanguageModelV4 {
  /** What each call was given, in order. */
  readonly calls: readonly LanguageModelV4CallOptions[]
  /** How many streams were cancelled before their end. */
  readonly cancelled: () => number
}

/** A model whose calls follow scripts, one each; the last script serves all further calls. A function decides by the call. */
export function scriptedModel(...scripts: (Script | ((options: LanguageModelV4CallOptions) => Script))[]): ScriptedModel {
  const calls: LanguageModelV4CallOptions[] = []
  let cancelled = 0
  return {
    specificationVersion: 'v4',
    provider: 'test',
    modelId: 'scripted',
    supportedUrls: {},
    calls,
    cancelled: () => cancelled,
    doGenerate: async () => {
      throw new Error('Ambit streams.')
    },
    async doStream(options) {
      calls.push(options)
      const chosen = scripts[Math.min(calls.length, scripts.length) - 1]
      const script = typeof chosen === 'function' ? chosen(options) : (chosen ?? [])
      const [first] = script
      if (first instanceof Error) throw first
      const rest = script.values()
      const stream = new ReadableStream<LanguageModelV4StreamPart>({
        async pull(controller) {
          for (let next = rest.next(); ; next = rest.next()) {
            if (next.done) return controller.close()
            if (next.value instanceof Promise) {
              await next.value
              continue
            }
            if (next.value instanceof Error) return controller.error(next.value)
            return controller.enqueue(next.value)
          }
        },
        cancel() {
          cancelled += 1
        },
      })
      return { stream }
    },
  }
}

export const usage = {
  inputTokens: { total: 10, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 5, text: undefined, reasoning: undefined },
}

export function finish(unified: 'stop' | 'tool-calls' | 'length' | 'error' = 'stop'): LanguageModelV4StreamPart {
  return { type: 'finish', usage, finishReason: { unified, raw: unified } }
}

/** A whole text answer. */
export function says(...deltas: string[]): Script {
  return [
    { type: 'stream-start', warnings: [] },
    { type: 'text-start', id: '0' },
    ...deltas.map((delta) => ({ type: 'text-delta' as const, id: '0', delta })),
    { type: 'text-end', id: '0' },
    finish(),
  ]
}

/** A whole answer that calls tools: name and arguments of each. */
export function callsTools(...calls: (readonly [name: string, input: unknown])[]): Script {
  return [
    ...calls.map(([toolName, input], index) => ({
      type: 'tool-call' as const,
      toolCallId: `provider-${index}`,
      toolName,
      input: typeof input === 'string' ? input : JSON.stringify(input),
    })),
    finish('tool-calls'),
  ]
}

/** A promise and its key. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
