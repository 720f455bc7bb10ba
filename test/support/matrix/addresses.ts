import { DELETED_ORGANISATION, PROJECTS, orgOf } from './facts.ts'
import type { Caller, PlaceName } from './facts.ts'

/** A way to name a place, and what it names. */
export interface Address {
  /** Of a URL, before the route's own path. */
  readonly prefix: string
  readonly means: PlaceName | null
  /**
   * What the directory is asked for, as `org` or `org/project` with names that can be ids. Null: the names cannot be, and
   * nobody is asked. Absent: the URL is none of a route's.
   */
  readonly asked?: string | null
}

const to = (org: string, project?: string): string => `/v1/orgs/${org}${project === undefined ? '' : `/projects/${project}`}`
const plain = (name: string, means: PlaceName | null): Address => {
  const [org = '', project] = name.split('/')
  return { prefix: to(org, project), means, asked: name }
}

/** Own, private, foreign, deleted and absent ones, by their names, and by ids that only the database should know. */
export function plainAddresses(idOf: (place: PlaceName) => string): { readonly orgs: readonly Address[]; readonly projects: readonly Address[] } {
  const place = (name: PlaceName) => plain(name, name)
  return {
    orgs: [place('acme'), place('globex'), place(DELETED_ORGANISATION), plain('never', null), plain(idOf('acme'), null), plain(idOf('globex'), null)],
    projects: [
      ...Object.keys(PROJECTS).map(place),
      plain('acme/never', null),
      plain('globex/never', null),
      plain('never/apollo', null),
      plain(`acme/${idOf('acme/apollo')}`, null),
      plain(`acme/${idOf('globex/apollo')}`, null),
      plain(`${idOf('acme')}/${idOf('acme/apollo')}`, null),
    ],
  }
}

/** One name written in many ways: what it means then, as `same`, another `id`, or no id at all. */
function spellings(name: string): readonly (readonly [text: string, is: 'same' | 'id' | 'none'])[] {
  const [first = '', rest] = [name.slice(0, 1), name.slice(1)]
  const code = first.charCodeAt(0).toString(16)
  return [
    [`%${code}${rest}`, 'same'],
    [`%25${code}${rest}`, 'none'],
    [name.toUpperCase(), 'id'],
    [`${first.toUpperCase()}${rest}`, 'id'],
    [`${name}.`, 'id'],
    [`${name}%2e`, 'id'],
    [`${name}:`, 'id'],
    [`${name}%00`, 'none'],
    [`%00${name}`, 'none'],
    [`${name}%20`, 'none'],
    [`${name}%0a`, 'none'],
    [`${name}%09`, 'none'],
    [`${name};a=b`, 'none'],
    [`${name},globex`, 'none'],
    [`${name}%2f`, 'none'],
    [`${name}%5c..%5cglobex`, 'none'],
    [`${name}%2f..%2fglobex`, 'none'],
    [`%2e%2e%2fglobex`, 'none'],
    [`%252e%252e%252fglobex`, 'none'],
    [`%d0%b0${rest}`, 'none'], // Cyrillic a
    [`%ef%bd%81${rest}`, 'none'], // full-width a
    [`${name}%e2%80%8b`, 'none'], // zero-width space
    [`${name}%cc%81`, 'none'], // combining acute
    [`%c1%a1${rest}`, 'none'], // overlong UTF-8
    [`${name}%ff`, 'none'],
    [`${name}%`, 'none'],
    [`${name}%u0000`, 'none'],
    [`*`, 'none'],
    [`%2a`, 'none'],
    [`%25`, 'none'],
    [`%27%20or%20true--`, 'none'],
    [`{${name}}`, 'none'],
    ['__proto__', 'id'],
    ['constructor', 'id'],
    ['null', 'id'],
    ['x'.repeat(128), 'id'],
    ['x'.repeat(129), 'none'],
  ]
}

/** Ways of writing `acme` or `acme/apollo` that mean it, something else, or nothing. */
export function spelledAddresses(): { readonly orgs: readonly Address[]; readonly projects: readonly Address[] } {
  const asked = (name: string, is: 'same' | 'id' | 'none') => (is === 'none' ? null : name)
  const org = spellings('acme')
  const project = spellings('apollo')
  return {
    orgs: [
      ...org.map(([text, is]): Address => ({ prefix: to(text), means: is === 'same' ? 'acme' : null, asked: asked(is === 'same' ? 'acme' : text, is) })),
      // What the URL itself resolves, before any route sees it.
      { ...plain('globex', 'globex'), prefix: '/v1/orgs/acme/../globex' },
      { ...plain('globex', 'globex'), prefix: '/v1/orgs/acme/%2e%2e/globex' },
      { ...plain('globex', 'globex'), prefix: '/v1/orgs/acme/.%2E\\globex' },
      { ...plain('acme', 'acme'), prefix: '/v1/orgs/globex/../acme' },
      { ...plain('acme', 'acme'), prefix: '/v1/orgs/./acme' },
      { prefix: '/v1/orgs/', means: null },
      { prefix: '/v1/orgs/..', means: null },
      { prefix: '/v1//orgs/acme', means: null },
      { prefix: '//v1/orgs/acme', means: null },
      { prefix: '/V1/orgs/acme', means: null },
      { prefix: '/v1/orgs/acme/', means: null },
      { prefix: '/v1/orgs/globex/acme', means: null },
      { prefix: '/v1/orgs/acme/orgs/globex', means: null },
    ],
    projects: [
      ...project.map(([text, is]): Address => ({ prefix: to('acme', text), means: is === 'same' ? 'acme/apollo' : null, asked: asked(is === 'same' ? 'acme/apollo' : `acme/${text}`, is) })),
      ...org.filter(([, is]) => is !== 'id').map(([text, is]): Address => ({ prefix: to(text, 'apollo'), means: is === 'same' ? 'acme/apollo' : null, asked: is === 'same' ? 'acme/apollo' : null })),
      { ...plain('globex/apollo', 'globex/apollo'), prefix: '/v1/orgs/acme/projects/apollo/../../../globex/projects/apollo' },
      { ...plain('acme/zephyr', 'acme/zephyr'), prefix: '/v1/orgs/acme/projects/apollo/%2e%2e/zephyr' },
      { ...plain('acme', 'acme'), prefix: '/v1/orgs/acme/projects/..' },
      { ...plain('acme', 'acme'), prefix: '/v1/orgs/acme/projects/apollo/../..' },
      { prefix: '/v1/orgs/acme/projects/', means: null },
      { prefix: '/v1/orgs/acme/projects/apollo/projects/zephyr', means: null },
      { prefix: '/v1/orgs/acme/Projects/apollo', means: null },
      { prefix: '/v1/projects/apollo', means: null },
    ],
  }
}

/** Addresses that ask the same of the same credential: a credential of one organisation is not asked about others. */
export function lookUpOf(address: Address, { org }: Caller): string {
  if (address.asked === undefined) return 'no route'
  if (address.asked === null) return 'no name'
  return org !== null && orgOf(address.asked) !== org ? 'of another organisation' : 'asked'
}
