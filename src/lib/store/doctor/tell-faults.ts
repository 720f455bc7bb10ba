import type { Fault } from './checks.ts'

/**
 * All faults and what mends them, for a person. What one statement mends is told together, and the statements stand in
 * the order in which they are run.
 */
export function tellFaults(faults: readonly Fault[]): string {
  const together = Map.groupBy(faults, ({ mend, says }) => mend ?? says)
  const told = [...together.values()].map((some) => {
    const mend = some[0]?.mend ?? null
    const sentences = some.map(({ code, says }) => `  ${code}: ${says}`)
    return [...sentences, ...(mend === null ? [] : [indented(mend)])].join('\n')
  })
  return [...told, ...adviceOn(faults)].join('\n\n')
}

function adviceOn(faults: readonly Fault[]): readonly string[] {
  if (faults.every(({ mend }) => mend === null)) return []
  const migrate = faults.some(({ mend }) => mend?.includes('AMBIT_DATABASE_URL') === true)
  return [
    'Run the statements as the owner of the schema or a superuser, then try again. docs/doctor.md explains each code.' +
      (migrate ? '\nA right login is also what "npx ambit migrate" makes, from the name and password in AMBIT_DATABASE_URL.' : ''),
  ]
}

function indented(text: string): string {
  return text.split('\n').map((line) => `    ${line}`).join('\n')
}
