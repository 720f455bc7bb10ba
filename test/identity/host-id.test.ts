import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromId, toId } from '../../src/index.ts'

const ID = /^[A-Za-z0-9_.:-]{1,128}$/

test.each([
  ['auth0|7f3', 'auth0:7C7f3'],
  ['ada@example.com', 'ada:40example.com'],
  ['org_2cdEFg', 'org_2cdEFg'],
  ['0198c3a4-77aa-7c3e-9a5e-0f7f3c1d2e4b', '0198c3a4-77aa-7c3e-9a5e-0f7f3c1d2e4b'],
  ['42', '42'],
  ['a:b', 'a:3Ab'],
  ['*', ':2A'],
  ['..', ':2E:2E'],
  ['a..', 'a..'],
  ['é', ':C3:A9'],
])('%s is %s, and back', (hostId, id) => {
  expect(toId(hostId)).toBe(id)
  expect(fromId(id)).toBe(hostId)
})

test.each([['', null], ['x'.repeat(128), 'x'.repeat(128)], ['x'.repeat(129), null], ['|'.repeat(43), null], ['\ud800', null]])('%j: %j', (hostId, id) => {
  expect(toId(hostId)).toBe(id)
})

test('any text of a host is an id that is its own, or none', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (hostId) => {
      const id = toId(hostId)
      if (id === null) return
      expect(id).toMatch(ID)
      expect(fromId(id)).toBe(hostId)
    }),
    { numRuns: 5_000 },
  )
})

test('what is not made by it comes from nobody', () => {
  expect(['a:b', 'a:3', 'a:3ab', ':41', ':FF'].map(fromId)).toEqual([null, null, null, null, null])
})
