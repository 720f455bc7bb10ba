/** Something that wants to be told to the model. */
export interface Demand {
  readonly tokens: number
  /** Higher is served first. Infinity: whatever the budget is. */
  readonly priority: number
  /** The most that it may get; absent: no bound of its own. */
  readonly most?: number
}

/** Below this a cut slice says nothing: the tokens are better spent on the next. */
const LEAST = 64

/** How many tokens each demand gets of a budget: by priority, and among equals in order. */
export function allotTokens(demands: readonly Demand[], budget: number): readonly number[] {
  const allotted = demands.map(() => 0)
  let left = budget
  const order = demands.map((_, index) => index).toSorted((a, b) => priorityOf(demands, b) - priorityOf(demands, a))
  for (const index of order) {
    const { tokens = 0, priority = 0, most = Infinity } = demands[index] ?? {}
    const fits = priority === Infinity ? tokens : Math.min(tokens, most, Math.max(0, left))
    allotted[index] = fits < tokens && fits < LEAST ? 0 : fits
    left -= allotted[index]
  }
  return allotted
}

/** Infinity minus Infinity is no order. */
function priorityOf(demands: readonly Demand[], index: number): number {
  return Math.min(demands[index]?.priority ?? 0, Number.MAX_SAFE_INTEGER)
}
