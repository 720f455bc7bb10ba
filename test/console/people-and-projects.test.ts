import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isId } from '../../src/lib/directory/principal.ts'
import { faultOfId, isPersonId } from '../../console/src/people/person-id.ts'
import { mayChange, rolesToGive } from '../../console/src/people/roles.ts'
import { faultOfSlug, suggestSlug } from '../../console/src/projects/suggest-slug.ts'

/** As the server has it. */
const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/

describe('a slug', () => {
  test.for([
    ['Apollo', 'apollo'],
    ['  Grüße & Co. ', 'grusse-co'],
    ['Ærø 2027', 'r-2027'],
    ['日本', ''],
    ['-- x --', 'x'],
  ] as const)('of %j is suggested as %j', ([name, slug]) => {
    expect(suggestSlug(name)).toBe(slug)
  })

  test('that is suggested is one the server takes, or none', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (name) => {
      const slug = suggestSlug(name)
      expect(slug === '' || SLUG.test(slug)).toBe(true)
    }))
  })

  test('that the server would not take is found fault with', () => {
    fc.assert(fc.property(fc.string({ minLength: 1, maxLength: 70 }), (slug) => {
      expect(faultOfSlug(slug) === null).toBe(SLUG.test(slug))
    }))
  })
})

describe('an id', () => {
  test('is found fault with where the server would', () => {
    fc.assert(fc.property(fc.string({ minLength: 1, maxLength: 140 }), (typed) => {
      expect(faultOfId(typed) === null).toBe(isId(typed))
      expect(isPersonId(typed)).toBe(isId(typed))
    }))
  })

  test('that is not typed yet is no fault, and no id', () => {
    expect([faultOfId(''), isPersonId('')]).toEqual([null, false])
  })
})

describe('a role', () => {
  test('of an owner is given and changed by owners only', () => {
    expect(rolesToGive('owner').map(({ value }) => value)).toEqual(['owner', 'admin', 'member', 'viewer'])
    expect(rolesToGive('admin').map(({ value }) => value)).toEqual(['admin', 'member', 'viewer'])
    expect([mayChange('owner', 'owner'), mayChange('admin', 'owner'), mayChange('admin', 'admin'), mayChange('member', 'viewer')]).toEqual([true, false, true, false])
  })
})
