import { parseCursor } from '../../src/lib/journal/cursor.ts'
import { expect } from 'vitest'
import type { Streamed } from './client.ts'

/** A chunk as it came: nothing is taken for granted. */
export type RawChunk = Readonly<Record<string, unknown>>

const TERMINAL = new Set(['finish', 'abort', 'error'])
const ENDS = new Map([['text-end', 'text'], ['reasoning-end', 'reasoning']])

/**
 * What is wrong with the chunks of one whole answer, by the order rules that Ambit promises (stricter than any client's):
 * `start` first and once; steps not nested; blocks, inputs and sources inside a step; every block and input closed before
 * its step's end; text ids unique in the message; call ids unique, each with one input and exactly one outcome; one
 * terminal chunk, the last, with nothing left open; then `[DONE]`. No null but in what a tool says, no `__proto__` anywhere.
 */
export function grammarFaults(chunks: readonly RawChunk[], done: boolean): string[] {
  const faults: string[] = []
  const blocks = new Map<string, string>()
  const blockIds = new Set<string>()
  const calls = new Map<string, 'writing' | 'waiting' | 'settled'>()
  let inStep = false
  let ended = false
  for (const [index, chunk] of chunks.entries()) {
    const type = String(chunk['type'])
    const fault = (what: string) => faults.push(`${index} ${type}: ${what}`)
    const blockId = `${chunk['id']}`
    const callId = `${chunk['toolCallId']}`
    if (ended) fault('after the terminal chunk')
    if ((index === 0) !== (type === 'start')) fault(index === 0 ? 'not start' : 'start twice')
    if (hasOwnPrototype(chunk)) fault('a key __proto__')
    for (const [key, value] of Object.entries(chunk)) if (value === null && key !== 'output' && key !== 'input') fault(`${key} is null`)
    if (!inStep && /^(text|reasoning|source|file|tool)-/.test(type)) fault('outside a step')
    switch (type) {
      case 'start':
        if (typeof chunk['messageId'] !== 'string') fault('no messageId')
        break
      case 'start-step':
        if (inStep) fault('in a step')
        inStep = true
        break
      case 'finish-step':
        if (!inStep) fault('no step')
        for (const [id, kind] of blocks) fault(`${kind} ${id} is open`)
        for (const [id, state] of calls) if (state === 'writing') fault(`the input of ${id} is open`)
        inStep = false
        break
      case 'text-start':
      case 'reasoning-start':
        if (blockIds.has(blockId)) fault(`id ${blockId} again`)
        blockIds.add(blockId)
        blocks.set(blockId, type === 'text-start' ? 'text' : 'reasoning')
        break
      case 'text-delta':
      case 'reasoning-delta':
        if (blocks.get(blockId) !== type.split('-')[0]) fault(`${blockId} is not open`)
        break
      case 'text-end':
      case 'reasoning-end':
        if (blocks.get(blockId) !== ENDS.get(type)) fault(`${blockId} is not open`)
        blocks.delete(blockId)
        break
      case 'tool-input-start':
        if (calls.has(callId)) fault(`call ${callId} again`)
        calls.set(callId, 'writing')
        break
      case 'tool-input-delta':
        if (calls.get(callId) !== 'writing') fault(`the input of ${callId} is not open`)
        break
      case 'tool-input-available':
      case 'tool-input-error':
        if (calls.has(callId) && calls.get(callId) !== 'writing') fault(`call ${callId} again`)
        calls.set(callId, type === 'tool-input-error' ? 'settled' : 'waiting')
        break
      case 'tool-output-available':
      case 'tool-output-error':
        if (calls.get(callId) !== 'waiting') fault(`call ${callId} waits for no outcome`)
        calls.set(callId, 'settled')
        break
      case 'finish':
      case 'abort':
      case 'error':
        ended = true
        if (inStep) fault('in a step')
        for (const [id, state] of calls) if (state !== 'settled') fault(`call ${id} has no outcome`)
        break
      case 'message-metadata':
      case 'source-url':
      case 'source-document':
        break
      default:
        fault('unknown')
    }
  }
  if (!TERMINAL.has(String(chunks.at(-1)?.['type']))) faults.push('no terminal chunk at the end')
  if (!done) faults.push('no [DONE]')
  return faults
}

/** Ids of a whole answer: one run, dense from 1, no fence that falls. */
export function idFaults(ids: readonly string[]): string[] {
  const cursors = ids.map(parseCursor)
  return cursors.flatMap((cursor, index) => {
    const before = cursors[index - 1]
    if (!cursor) return [`${ids[index]} is no cursor`]
    if (cursor.seq !== index + 1) return [`seq ${cursor.seq} at ${index + 1}`]
    return before && (before.runId !== cursor.runId || before.fence > cursor.fence) ? [`${ids[index]} after ${ids[index - 1]}`] : []
  })
}

/** A whole answer that every rule holds for. */
export function expectSound({ chunks, ids, done }: Streamed): void {
  expect(grammarFaults(chunks as unknown as readonly RawChunk[], done)).toEqual([])
  expect(idFaults(ids)).toEqual([])
}

function hasOwnPrototype(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasOwnPrototype)
}
