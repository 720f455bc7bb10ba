import { setTimeout as pause } from 'node:timers/promises'
import type { ServerResponse } from 'node:http'
import { chunk, deltaChunk } from '../chat-completions.ts'
import { startUpstream } from '../upstream.ts'
import type { AskedOf } from '../upstream.ts'
import { deedOf, planIn } from './plan.ts'
import type { Plan, PlannedStep } from './plan.ts'

/** How a model call breaks off, after some words. */
export type Break = 'reset' | 'garbage' | 'half-close' | 'silence'

/** The model of a fault test, in the test's own process: it survives every node that asks it. */
export interface ScriptedLlm {
  readonly baseURL: string
  /** Model calls so far of one question, by its plan's id. */
  asked(planId: string): number
  /** Words that were said in the n-th model call of a question. */
  words(planId: string, call: number): number
  /** Where somebody asked on after the last step: whose answer is whole is not asked for more, by nobody. */
  readonly beyond: readonly string[]
  /** Model calls whose connection is open. */
  readonly open: number
  /** The next `times` calls break off after their second word. */
  breakNext(how: Break, times: number): void
  close(): Promise<void>
}

interface Message {
  readonly role: string
  readonly content?: string | readonly { readonly text: string }[] | null
}

/** Answers as the plan in the last question says. Each call's words carry a number of their own: two attempts never look alike. */
export async function startScriptedLlm(): Promise<ScriptedLlm> {
  const calls = new Map<string, number>()
  const words = new Map<string, number>()
  const breaks: Break[] = []
  const beyond: string[] = []
  let attempts = 0
  let open = 0
  const server = await startUpstream((response, _, asked) => {
    const { plan, number } = planOf(asked)
    const step = plan.steps[number - 1]
    if (!step) {
      beyond.push(`${plan.id} has ${plan.steps.length} steps, and the model was asked for step ${number}`)
      return void response.writeHead(400).end()
    }
    const call = (calls.get(plan.id) ?? 0) + 1
    const said = `${plan.id} ${call}`
    calls.set(plan.id, call)
    attempts += 1
    open += 1
    response.once('close', () => (open -= 1))
    const spoke = () => void words.set(said, (words.get(said) ?? 0) + 1)
    void answer(response, { plan, step, number, attempt: attempts, broken: breaks.shift() ?? null, spoke })
  })
  return {
    baseURL: `${server.origin}/v1`,
    beyond,
    asked: (planId) => calls.get(planId) ?? 0,
    words: (planId, call) => words.get(`${planId} ${call}`) ?? 0,
    get open() {
      return open
    },
    breakNext: (how, times) => void breaks.push(...Array.from({ length: times }, () => how)),
    close: server.close,
  }
}

interface Answering {
  readonly plan: Plan
  readonly step: PlannedStep
  readonly number: number
  readonly attempt: number
  readonly broken: Break | null
  readonly spoke: () => void
}

/** A server that is killed with its answers half said: whoever asked has gone, and nobody is left to be told. */
async function answer(response: ServerResponse, { plan, step, number, attempt, broken, spoke }: Answering): Promise<void> {
  const send = (body: object) => response.write(`data: ${JSON.stringify(body)}\n\n`)
  response.on('error', () => {})
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  for (let word = 0; word < step.words; word += 1) {
    await pause(plan.paceMs)
    if (broken && word === 2) return breakOff(response, broken)
    send(deltaChunk({ content: `${number}:${attempt}:${word} ` }))
    spoke()
  }
  for (const [index, name] of step.calls.entries()) {
    const args = JSON.stringify({ deed: deedOf(plan, number, index) })
    send(deltaChunk({ tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name, arguments: args } }] }))
  }
  send(deltaChunk({}, step.calls.length > 0 ? 'tool_calls' : 'stop'))
  send(chunk({ choices: [], usage: { prompt_tokens: 10, completion_tokens: step.words, total_tokens: step.words + 10 } }))
  response.end('data: [DONE]\n\n')
}

/** Silence is left open: whoever waits must give up by himself. */
function breakOff(response: ServerResponse, how: Break): void {
  if (how === 'reset') return void response.socket?.resetAndDestroy()
  if (how === 'garbage') return void response.end('data: {"choices":[{"delta":{"content":\n\n<html>Bad gateway</html>\n\n')
  if (how === 'half-close') response.socket?.end()
}

/** The plan in the last question, and which of its steps comes next: one more than were answered since. */
function planOf({ body }: AskedOf): { readonly plan: Plan; readonly number: number } {
  const messages = body['messages'] as readonly Message[]
  const last = messages.findLastIndex((one) => one.role === 'user' && planIn(textOf(one)) !== null)
  const plan = last < 0 ? null : planIn(textOf(messages[last] as Message))
  if (!plan) throw new Error('The model was asked without a plan.')
  return { plan, number: 1 + messages.slice(last).filter((one) => one.role === 'assistant').length }
}

function textOf({ content }: Message): string {
  return typeof content === 'string' ? content : (content ?? []).map((part) => part.text).join('\n')
}

/** The words of an answer's text, as the model numbered them. */
export function wordsIn(text: string): readonly { readonly step: number; readonly attempt: number; readonly word: number }[] {
  return [...text.matchAll(/(\d+):(\d+):(\d+) /g)].map(([, step, attempt, word]) => ({ step: Number(step), attempt: Number(attempt), word: Number(word) }))
}
