import type { Cell, Outcome } from './perform.ts'

// What is wrong with outcomes, as lines that name the request. Nothing wrong is an empty list.

/** Enough to see what is wrong. */
const SHOWN = 20

export function nameOf({ part, caller, method, path, body, headers }: Cell): string {
  const extras = [body?.slice(0, 120), headers && JSON.stringify(headers).slice(0, 160)].filter((text) => text !== undefined)
  return [`${part}: ${caller.name}: ${method} ${path.slice(0, 200)}`, ...extras].join(' ')
}

export function otherStatuses(outcomes: readonly Outcome[]): readonly string[] {
  return shown(outcomes.flatMap(({ cell, answer }) => (answer.status === cell.status ? [] : [`${nameOf(cell)} → ${answer.status}, not ${cell.status}: ${answer.body.slice(0, 200)}`])))
}

export function sightings(outcomes: readonly Outcome[]): readonly string[] {
  return shown(outcomes.flatMap(({ cell, sightings: seen }) => seen.map((what) => `${nameOf(cell)} → ${what}`)))
}

/** Answers that differ where all must be one and the same, byte for byte. */
export function unlikeAnswers(outcomes: readonly Outcome[], groupOf: (outcome: Outcome) => string | undefined = ({ cell }) => cell.sameAnswer): readonly string[] {
  return unlike(outcomes, groupOf, ({ answer }) => JSON.stringify(answer))
}

/** How much was asked, by part: requests, and those of them that were served. */
export function countsOf(outcomes: readonly Outcome[]): Readonly<Record<string, { readonly requests: number; readonly served: number }>> {
  const counts: Record<string, { requests: number; served: number }> = {}
  for (const { cell, answer } of outcomes) {
    const count = (counts[cell.part] ??= { requests: 0, served: 0 })
    count.requests += 1
    if (answer.status < 300) count.served += 1
  }
  return counts
}

export function unlikeStatements(outcomes: readonly Outcome[]): readonly string[] {
  return unlike(outcomes, ({ cell }) => cell.sameStatements, ({ statements }) => statements.join('\n'))
}

/**
 * The same of runs: how often a reader looks after them, and where it finds them, is a matter of time and not of what was named;
 * and so is whose end made the node look for what waits.
 */
export function unlikeKindsOfStatements(outcomes: readonly Outcome[]): readonly string[] {
  return unlike(outcomes, ({ cell }) => cell.sameStatements, ({ statements }) => [...new Set(statements)].filter((one) => !isFollowing(one) && !one.startsWith('as ambit_sweeper; ')).join('\n'))
}

function isFollowing(transaction: string): boolean {
  return transaction.split('; ').slice(1).every((statement) => /^select .* from ambit\.(runs|frames|read_sets)\b/.test(statement))
}

function unlike(outcomes: readonly Outcome[], groupOf: (outcome: Outcome) => string | undefined, faceOf: (outcome: Outcome) => string): readonly string[] {
  const first = new Map<string, Outcome>()
  return shown(
    outcomes.flatMap((outcome) => {
      const group = groupOf(outcome)
      if (group === undefined) return []
      const reference = first.get(group) ?? outcome
      first.set(group, reference)
      const [face, expected] = [faceOf(outcome), faceOf(reference)]
      if (face === expected) return []
      return [`${nameOf(outcome.cell)} → ${onlyIn(face, expected).slice(0, 1_000)}, unlike ${nameOf(reference.cell)} → ${onlyIn(expected, face).slice(0, 1_000)}`]
    }),
  )
}

/** The lines that the other one does not have. */
function onlyIn(face: string, other: string): string {
  return face.split('\n').filter((line) => !other.split('\n').includes(line)).join('\n') || 'nothing else'
}

function shown(lines: readonly string[]): readonly string[] {
  return lines.length <= SHOWN ? lines : [...lines.slice(0, SHOWN), `… and ${lines.length - SHOWN} more`]
}
