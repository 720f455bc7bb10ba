import { expect, test } from 'vitest'
import { covers, lackOf } from '../../src/lib/scope/covers.ts'
import { NOT_FOUND, refuse } from '../../src/lib/scope/refusal.ts'
import { contextOf } from '../support/context-of.ts'

const use = { reads: new Set(['one', '*']), modelId: 'offline' }

test('a scope covers a run that may chat in it, with its model, and sees all that it has read', () => {
  expect(covers(contextOf('bob', ['one', 'two']), use)).toBe(true)
  expect(covers(contextOf('bob', []), { ...use, reads: new Set() })).toBe(true)
})

test.for([
  ['is not found', NOT_FOUND, 'access'],
  ['has no credential any more', refuse('unauthenticated', 'Sign in again.'), 'credential'],
  ['is a reader’s', refuse('forbidden', 'Your role here is viewer.'), 'role'],
  ['does not see a project that was read', contextOf('bob', ['two']), 'read_project'],
  ['only reads', contextOf('bob', ['one'], { may: ['read', 'write'] }), 'role'],
  ['has not its model', contextOf('bob', ['one'], { models: ['another'] }), 'model'],
] as const)('one that %s does not, and it is said what is missing', ([, news, lack]) => {
  expect(covers(news, use)).toBe(false)
  expect(lackOf(news, use)).toBe(lack)
})
