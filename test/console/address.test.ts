import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PAGES, formatAddress, parseAddress } from '../../console/src/address/address.ts'
import type { Address } from '../../console/src/address/address.ts'

const text = fc.string({ minLength: 1, unit: 'binary' }).filter((one) => one.isWellFormed() && one !== '.' && one !== '..')
const place = fc.oneof(fc.constant(null), fc.record({ org: text, project: text }, { requiredKeys: ['org'] }))
const address: fc.Arbitrary<Address> = fc.record({
  place,
  page: fc.constantFrom(...PAGES),
  id: fc.option(text),
  search: fc.dictionary(text.filter((name) => name !== '__proto__'), fc.string({ unit: 'binary' }).filter((one) => one.isWellFormed()), { noNullPrototype: true }),
})
  // Of an organisation, `projects/<id>` is a project, and that page has no things of its own.
  .filter(({ page, id }) => page !== 'projects' || id === null)

describe('an address', () => {
  test('is read as it was written, below any root', () => {
    fc.assert(fc.property(address, fc.constantFrom('', '/tools/assistant'), (given, root) => {
      expect(parseAddress(formatAddress(given, root), root)).toEqual(given)
    }))
  })

  test.for([
    ['/', { place: null, page: 'chats', id: null, search: {} }],
    ['/orgs/acme', { place: { org: 'acme' }, page: 'chats', id: null, search: {} }],
    ['/orgs/acme/projects', { place: { org: 'acme' }, page: 'projects', id: null, search: {} }],
    ['/orgs/acme/projects/apollo', { place: { org: 'acme', project: 'apollo' }, page: 'chats', id: null, search: {} }],
    ['/orgs/acme/projects/runs/runs/run_1?tab=events', { place: { org: 'acme', project: 'runs' }, page: 'runs', id: 'run_1', search: { tab: 'events' } }],
    ['/chats/c1', { place: null, page: 'chats', id: 'c1', search: {} }],
  ] as const)('%s', ([path, expected]) => {
    expect(parseAddress(path, '')).toEqual(expected)
  })

  test.for(['/nothing', '/orgs/acme/nothing', '/orgs/acme/chats/c1/more', '/orgs/%E0%A4%A'])('%s is none', (path) => {
    expect(parseAddress(path, '')).toBeNull()
  })

  test('of another root is none', () => {
    expect(parseAddress('/consoles/chats', '/console')).toBeNull()
  })
})
