import { expect, test } from 'vitest'
import { covers } from '../../src/lib/scope/covers.ts'
import { NOT_FOUND } from '../../src/lib/scope/refusal.ts'
import { contextOf } from '../support/context-of.ts'

const use = { reads: new Set(['one', '*']), modelId: 'offline' }

test('a scope covers a run that may chat in it, with its model, and sees all that it has read', () => {
  expect(covers(contextOf('bob', ['one', 'two']), use)).toBe(true)
  expect(covers(contextOf('bob', []), { ...use, reads: new Set() })).toBe(true)
})

test.for([
  ['is refused', NOT_FOUND],
  ['does not see a project that was read', contextOf('bob', ['two'])],
  ['only reads', contextOf('bob', ['one'], { may: ['read', 'write'] })],
  ['has not its model', contextOf('bob', ['one'], { models: ['another'] })],
] as const)('one that %s does not', ([, news]) => {
  expect(covers(news, use)).toBe(false)
})
