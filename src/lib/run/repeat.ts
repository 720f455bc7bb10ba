/** Work that is done again and again, one at a time. */
export interface Repeated {
  /** Does it at once, and rejects with its failure: for a start that must not go on without it. */
  now(): Promise<void>
  /** A turn now, or, where one is under way, right after it: a failure is told like that of any other. */
  soon(): void
  /** No more of it; resolves when what is under way has ended. */
  end(): Promise<void>
}

/** Does `work` each `ms`, skipping a turn while the last one is under way. A failure is told, and the next turn comes. */
export function repeat(ms: number, work: () => Promise<void>, onError: (error: unknown) => void): Repeated {
  let underWay: Promise<void> | undefined
  let again = false
  let over = false
  const begin = (): Promise<void> => {
    underWay = work().finally(() => {
      underWay = undefined
      if (again) soon()
    })
    return underWay
  }
  const soon = (): void => {
    again = underWay !== undefined
    if (!again && !over) begin().catch(onError)
  }
  const timer = setInterval(() => {
    if (!underWay) begin().catch(onError)
  }, ms)
  const end = async (): Promise<void> => {
    over = true
    clearInterval(timer)
    await underWay?.catch(onError)
  }
  return {
    soon,
    end,
    async now() {
      try {
        await begin()
      } catch (error) {
        await end()
        throw error
      }
    },
  }
}
