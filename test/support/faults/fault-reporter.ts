import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import type { Reporter, TestCase } from 'vitest/node'
import type { CellResult } from './cell-result.ts'
import { tableOf } from './fault-table.ts'

const REPORT = new URL('../../../node_modules/.cache/ambit/', import.meta.url)

/** What all files of `npm run test:faults` found, in one table: printed, and ready to be put into the docs. */
export function faultReporter(): Reporter {
  const results: CellResult[] = []
  const beside = new Map<string, { passed: number; all: number }>()
  let began = 0
  return {
    onTestRunStart() {
      began = performance.now()
      mkdirSync(REPORT, { recursive: true })
      writeFileSync(new URL('fault-cells.ndjson', REPORT), '')
    },
    onTestCaseResult(test) {
      const { state } = test.result()
      if (state === 'skipped') return
      const { cell } = test.meta()
      if (!cell) return void count(beside, test)
      results.push(state === 'passed' || cell.faults.length > 0 ? cell : { ...cell, faults: ['it failed otherwise'] })
      appendFileSync(new URL('fault-cells.ndjson', REPORT), `${JSON.stringify(cell)}\n`) // half an hour may end early
    },
    onTestRunEnd() {
      const words = `${wordsOf(results, performance.now() - began)}\n\n${tableOf(results)}\n${besides(beside)}`
      writeFileSync(new URL('fault-table.md', REPORT), words)
      process.stdout.write(`\n${words}`)
    },
  }
}

function count(beside: Map<string, { passed: number; all: number }>, test: TestCase): void {
  const name = test.parent.type === 'suite' ? test.parent.name : test.module.relativeModuleId
  const { passed, all } = beside.get(name) ?? { passed: 0, all: 0 }
  beside.set(name, { passed: passed + Number(test.result().state === 'passed'), all: all + 1 })
}

function wordsOf(results: readonly CellResult[], tookMs: number): string {
  const seeds = [...new Set(results.map(({ seed }) => seed))].toSorted((one, other) => one - other)
  const minutes = Math.round(tookMs / 60_000)
  return `Seeds ${seeds.join(', ')}, in ${minutes} minutes: passed of these, and the longest that a reader heard nothing.`
}

/** What is no cell of the table. */
function besides(beside: ReadonlyMap<string, { readonly passed: number; readonly all: number }>): string {
  if (beside.size === 0) return ''
  return `\nBeside these: ${[...beside].map(([name, { passed, all }]) => `${name}, ${passed} of ${all}`).join('; ')}.\n`
}
