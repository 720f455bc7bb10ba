import { prefixOf } from '../identity/api-key.ts'
import type { Command, ExitCode, Given, Surroundings } from './command.ts'
import type { OperatorTask } from './operator-task.ts'
import { MAKE_KEY, MAKE_ORGANISATION, REVOKE_KEY } from './operator-work.ts'
import type { KeyMade, KeyWanted, OrganisationWanted, RevocationWanted } from './operator-work.ts'
import { performWork } from './reach-operator.ts'
import { badSetting } from './settings.ts'
import { dim } from './terminal.ts'

export const createOrgCommand: Command = {
  name: 'org create',
  about: 'Make an organisation with its first owner, and print a key for them.',
  argument: 'slug',
  options: {
    owner: { value: 'person', about: 'id of the owner, who is made where nobody of that id is known', required: true },
    'owner-name': { value: 'text', about: 'name of the owner, where they are made' },
    name: { value: 'text', about: 'name of the organisation (the slug)' },
    profile: { value: 'text', about: 'what the model is told about the organisation' },
  },
  run(given, surroundings) {
    const slug = given.argument
    const owner = given.text('owner') ?? ''
    const wanted: OrganisationWanted = {
      slug,
      name: given.text('name') ?? slug,
      profile: given.text('profile') ?? '',
      owner: { id: owner, name: given.text('owner-name') ?? owner },
    }
    return printKey(MAKE_ORGANISATION, wanted, surroundings, ({ org, person }) => `Organisation ${org}, owned by ${person}. `)
  },
}

export const createKeyCommand: Command = {
  name: 'key create',
  about: 'Print a new key for somebody in an organisation.',
  options: {
    org: { value: 'slug', about: 'the organisation in which the key opens something', required: true },
    person: { value: 'id', about: 'whose key it is', required: true },
    role: { value: 'role', about: 'let them into the organisation as owner, admin, member or viewer' },
    name: { value: 'text', about: 'name of the person, where they are made' },
    'expires-days': { value: 'N', about: 'the key ends after N days (never)' },
  },
  async run(given, surroundings) {
    const person = given.text('person') ?? ''
    const wanted = {
      org: given.text('org') ?? '',
      person: { id: person, name: given.text('name') ?? person },
      role: (given.text('role') ?? null) as KeyWanted['role'], // checked where the work is done, as all of it
      expiresInDays: daysOf(given),
    } satisfies KeyWanted
    return printKey(MAKE_KEY, wanted, surroundings, ({ org, role }) => `${person} is ${role === 'none' ? 'in projects' : role} in ${org}. `)
  },
}

export const revokeKeyCommand: Command = {
  name: 'key revoke',
  about: 'Take a key back: it opens nothing any more, and what it had begun ends.',
  argument: 'key',
  options: {},
  async run({ argument }, surroundings) {
    const { terminal } = surroundings
    const prefix = prefixOf(argument)
    if (prefix === null) throw badSetting('A key begins with "ambit_" and 12 characters after it. Give these, or the whole key.')
    const revoked = await performWork(REVOKE_KEY, { prefix } satisfies RevocationWanted, surroundings)
    terminal.err(revoked.ok ? `The key of ${revoked.person} in ${revoked.org} opens nothing any more. What it had begun ends within seconds.\n` : `${revoked.detail}\n`)
    return revoked.ok ? 0 : 1
  },
}

/** Null: never. What is no number must not become a key that never ends. */
function daysOf(given: Given): number | null {
  const text = given.text('expires-days')
  if (text === undefined) return null
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw badSetting(`--expires-days is "${text}": it must be a whole number of days.`)
}

async function printKey(work: OperatorTask<KeyMade>, wanted: unknown, surroundings: Surroundings, opening: (made: KeyMade) => string): Promise<ExitCode> {
  const { terminal } = surroundings
  const made = await performWork(work, wanted, surroundings)
  if (!made.ok) {
    terminal.err(`${made.detail}\n`)
    return 1
  }
  // Only the key on stdout, so that a script can take it: KEY=$(ambit key create …).
  terminal.err(dim(terminal, `${opening(made)}The key, shown this once:\n`))
  terminal.out(`${made.key}\n`)
  return 0
}
