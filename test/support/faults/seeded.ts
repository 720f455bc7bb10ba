/** Numbers that look like chance and are the same for the same seed: a cell that failed fails again. */
export interface Seeded {
  readonly seed: number
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  /** True so often. */
  chance(share: number): boolean
  pick<T>(of: readonly T[]): T
}

/** Mulberry32: 32 bits of state are plenty for the choices of one cell. */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    seed,
    between,
    chance: (share) => next() < share,
    pick(of) {
      const picked = of[between(0, of.length - 1)]
      if (picked === undefined) throw new Error('There is nothing to pick from.')
      return picked
    },
  }
}
