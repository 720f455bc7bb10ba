import type { Seeded } from './seeded.ts'

/** Tools of a fault node, named by what a call does to the world. */
export type ActName = 'look' | 'act' | 'pay' | 'book'

/** One model call: so many words, then these calls. The last has none. */
export interface PlannedStep {
  readonly words: number
  readonly calls: readonly ActName[]
}

/** What the model will say to a question, written into the question itself. */
export interface Plan {
  /** Of the question: what its calls do is known by it, whatever ids they get. */
  readonly id: string
  readonly steps: readonly PlannedStep[]
  /** Milliseconds between two words. */
  readonly paceMs: number
}

export function questionOf(plan: Plan): string {
  return `Do as planned: ${JSON.stringify(plan)}`
}

/** Null where the text holds no plan. */
export function planIn(text: string): Plan | null {
  const [found] = /\{"id":.*\}/.exec(text) ?? []
  return found === undefined ? null : (JSON.parse(found) as Plan)
}

/** What one call does, told apart from every other call of every question. */
export function deedOf(plan: Plan, step: number, call: number): string {
  return `${plan.id}/${step}/${call}`
}

/** The calls that a plan will make, if it comes to its end. */
export function deedsOf(plan: Plan): readonly { readonly deed: string; readonly name: ActName }[] {
  return plan.steps.flatMap((step, number) => step.calls.map((name, place) => ({ deed: deedOf(plan, number + 1, place), name })))
}

/** Two or three steps with all kinds of calls: no point of a run's life is left out. */
export function seededPlan(id: string, { between, pick }: Seeded, names: readonly ActName[]): Plan {
  const acting = names.filter((name) => name !== 'look')
  const steps = Array.from({ length: between(1, 2) }, () => ({
    words: between(3, 8),
    calls: [pick(acting), ...Array.from({ length: between(0, 2) }, () => pick(names))],
  }))
  return { id, steps: [...steps, { words: between(6, 14), calls: [] }], paceMs: between(5, 15) }
}
