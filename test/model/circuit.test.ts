import { expect, test } from 'vitest'
import { createCircuit } from '../../src/lib/model/circuit.ts'

/** A circuit and its clock. */
function start() {
  let ms = 1_000
  const circuit = createCircuit({ failures: 3, openMs: 100, now: () => ms })
  const fail = (times: number) => Array.from({ length: times }, () => circuit.failed())
  return { circuit, fail, pass: (by: number) => (ms += by) }
}

test('it opens with the last of the failures, for so long', () => {
  const { circuit, fail, pass } = start()
  expect(fail(2)).toEqual([false, false])
  expect([circuit.waitMs(), circuit.admit().waitMs]).toEqual([0, 0])
  expect(fail(1)).toEqual([true])
  expect([circuit.waitMs(), circuit.admit().waitMs]).toEqual([100, 100])
  pass(60)
  expect(circuit.waitMs()).toBe(40)
})

test('a whole answer between them begins the count anew', () => {
  const { circuit, fail } = start()
  fail(2)
  circuit.answers()
  circuit.succeeded()
  expect(fail(2)).toEqual([false, false])
  expect(circuit.waitMs()).toBe(0)
})

test('an answer that only begins does not', () => {
  const { circuit, fail } = start()
  fail(2)
  circuit.answers()
  expect(fail(1)).toEqual([true])
})

test('half open: one may begin, and nobody else; its answer closes it', () => {
  const { circuit, fail, pass } = start()
  fail(3)
  pass(100)
  expect(circuit.waitMs()).toBe(0)
  expect([circuit.admit().waitMs, circuit.admit().waitMs, circuit.waitMs()]).toEqual([0, 100, 100])
  circuit.answers()
  expect([circuit.admit().waitMs, circuit.admit().waitMs]).toEqual([0, 0])
  // Until an answer is whole, one more failure is enough.
  expect(fail(1)).toEqual([true])
})

test('half open: a try that fails keeps it open, and one of which nothing is heard does too', () => {
  const { circuit, fail, pass } = start()
  fail(3)
  pass(100)
  circuit.admit()
  pass(10)
  expect(fail(1)).toEqual([false])
  expect(circuit.waitMs()).toBe(90)
  pass(90)
  expect(circuit.admit().waitMs).toBe(0)
  expect(circuit.waitMs()).toBe(100)
})

test('half open: whoever does not call leaves the try to the next', () => {
  const { circuit, fail, pass } = start()
  fail(3)
  pass(100)
  circuit.admit().leave()
  expect([circuit.admit().waitMs, circuit.waitMs()]).toEqual([0, 100])
})

test('what began before it opened and fails later does not keep it open', () => {
  const { circuit, fail, pass } = start()
  fail(3)
  pass(90)
  expect(fail(5)).toEqual([false, false, false, false, false])
  expect(circuit.waitMs()).toBe(10)
})

test('a leaving that comes late takes nothing back', () => {
  const { circuit, fail, pass } = start()
  fail(3)
  pass(100)
  const admission = circuit.admit()
  pass(100)
  circuit.admit()
  admission.leave()
  expect(circuit.waitMs()).toBe(100)
})
