import type { Link } from './redis-link.ts'
import { readWhatIsThere } from './redis-read.ts'
import type { Followed, RawEntry } from './redis-read.ts'

/** Reads what is there of the runs of a tag that are new here: all of them together, and one answer at a time. */
export interface CatchUp<One extends Followed> {
  /** Resolves when it was read to its end; rejects where it could not be, also where what stands there is no stream. */
  read(one: One): Promise<void>
  /** Nobody wants it any more. */
  forget(one: One): void
}

export interface CatchUpParts<One extends Followed> {
  readonly link: () => Link
  take(one: One, entries: readonly RawEntry[]): void
}

export function createCatchUp<One extends Followed>({ link, take }: CatchUpParts<One>): CatchUp<One> {
  const waiting = new Map<One, PromiseWithResolvers<void>>()
  let reading = false

  const readOnce = async (): Promise<void> => {
    const asked = [...waiting.keys()]
    const { read, refused, whole } = await readWhatIsThere(link(), asked)
    for (const [one, entries] of read) take(one, entries)
    for (const one of refused) leave(one)?.reject(new NoStream())
    if (whole) for (const one of asked) leave(one)?.resolve()
  }
  const leave = (one: One): PromiseWithResolvers<void> | undefined => {
    const left = waiting.get(one)
    waiting.delete(one)
    return left
  }

  const readOn = async (): Promise<void> => {
    reading = true
    try {
      await link().whenTried()
      while (waiting.size > 0) await readOnce()
    } catch (error) {
      for (const one of [...waiting.keys()]) leave(one)?.reject(error)
    } finally {
      reading = false
    }
  }

  return {
    read(one) {
      const asked = waiting.get(one) ?? Promise.withResolvers<void>()
      waiting.set(one, asked)
      if (!reading) void readOn()
      return asked.promise
    },
    forget: (one) => leave(one)?.resolve(),
  }
}

/** As the server says it of a command. */
class NoStream extends Error {
  constructor() {
    super('WRONGTYPE What stands in the place of a stream is none.')
    this.name = 'NoStream'
  }
}
