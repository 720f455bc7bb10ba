import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { callsTools, gate, says, scriptedModel } from '../scripted-model.ts'
import type { Script } from '../scripted-model.ts'
import { userTexts } from '../stage.ts'
import { currentTape } from './recorder.ts'

/** A user's words to the model below. */
export const HOLD = 'HOLD'
export const CALL = 'CALL '

export type WantedCall = readonly [tool: string, input: unknown]

/**
 * The worst model there can be: it says aloud every canary that it was told, and it calls what the user names, with the
 * arguments that the user names (`CALL [[name, input], …]`). `HOLD` keeps it waiting for the end of the matrix.
 */
export function echoModel(find: (text: string) => string[]) {
  const end = gate()
  const model = scriptedModel((options) => {
    currentTape()?.prompts.push(JSON.stringify([options.prompt, options.tools]))
    return scriptOf(options, find, end.opened)
  })
  return { model, end: end.open }
}

function scriptOf(options: LanguageModelV4CallOptions, find: (text: string) => string[], held: Promise<void>): Script {
  const asked = userTexts(options).at(-1) ?? ''
  const calls = wantedCalls(asked)
  if (calls.length > 0 && options.prompt.at(-1)?.role !== 'tool') return callsTools(...calls)
  const answer = says(`I was told: ${find(JSON.stringify(options.prompt)).join(' ')}. `, 'That is all.')
  return asked.includes(HOLD) ? answer.toSpliced(-3, 0, held) : answer
}

function wantedCalls(asked: string): readonly WantedCall[] {
  const line = asked.split('\n').find((one) => one.startsWith(CALL))
  return line === undefined ? [] : (JSON.parse(line.slice(CALL.length)) as WantedCall[])
}
