import type { Frame } from './journal.ts'

/** What one entry of a run's stream holds: frames of one claim, said in one tick of its owner. */
export interface Entry {
  readonly fence: number
  /** Where that claim began: nothing beyond it is of an older one. */
  readonly base: number
  /** What was committed when this was written. */
  readonly settled: number
  /** Dense, and never empty. */
  readonly frames: readonly Frame[]
}

/** An entry's id is `<fence>-<seq of its last frame>`: a stream that was lost and begun again never leaves a reader ahead of it. */
export function entryId({ fence, seq }: Pick<Frame, 'fence' | 'seq'>): string {
  return `${fence}-${seq}`
}

/** The fields of an entry. The texts stand as one, with their lengths beside it: escaping them again would cost more than saying them. */
export function encodeEntry({ base, settled, frames }: Entry): readonly string[] {
  const [first] = frames
  const same = frames.every(({ readSet }) => readSet === first?.readSet)
  return [
    'f', String(first?.seq),
    'b', String(base),
    's', String(settled),
    'n', frames.map(({ text }) => text.length).join(),
    'r', same ? String(first?.readSet) : frames.map(({ readSet }) => readSet).join(),
    'e', frames.at(-1)?.terminal ? '1' : '0',
    't', frames.map(({ text }) => text).join(''),
  ]
}

const ID = /^(\d{1,15})-(\d{1,15})$/

/** Null where it is none of ours: what is not understood is as good as lost. */
export function decodeEntry(id: string, fields: readonly string[]): Entry | null {
  const [, fence, last] = ID.exec(id) ?? []
  const field = (name: string) => fields[fields.findIndex((key, index) => index % 2 === 0 && key === name) + 1] ?? ''
  const [first, lengths, readSets, text] = [Number(field('f')), numbersOf(field('n')), numbersOf(field('r')), field('t')]
  const [base, settled] = [Number(field('b')), Number(field('s'))]
  let place = 0
  const frames = lengths.map((length, index): Frame => {
    const seq = first + index
    const terminal = index === lengths.length - 1 && field('e') === '1'
    return { fence: Number(fence), seq, text: text.slice(place, (place += length)), terminal, readSet: readSets[index] ?? readSets[0] ?? 0 }
  })
  const whole = frames.at(-1)?.seq === Number(last) && place === text.length
  const numbers = [first, base, settled, ...lengths, ...readSets].every((number) => Number.isSafeInteger(number) && number >= 0)
  return whole && numbers && first > 0 ? { fence: Number(fence), base, settled, frames } : null
}

function numbersOf(list: string): readonly number[] {
  return list.split(',').map(Number)
}
