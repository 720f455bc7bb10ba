import fc from 'fast-check'
import type { Role } from '../../../src/lib/directory/directory.ts'
import type { Permission } from '../../../src/lib/scope/chat-execution-context.ts'
import type { Ask, EventFact, FileFact, KeyFact, MembershipFact, MessageFact, OrganisationFact, ProjectFact, RawSettings, RunFact, SettingsFact, ThreadFact, World } from './tenant-world.ts'

// A sketch is numbers and flags only: each number is taken modulo what there is to choose from. So every sketch is a
// world, and a sketch that shrinks stays one. 0 and false are the plain choice, because numbers shrink towards it.

const LCM = 60
const pick = fc.nat({ max: LCM - 1 })
const often = fc.nat({ max: 5 }).map((n) => n !== 5)
const seldom = fc.nat({ max: 7 }).map((n) => n === 7)
const half = fc.boolean()

const sketch = fc.record({
  organisations: fc.array(
    fc.record({
      deleted: seldom,
      aiEnabled: often,
      projects: fc.array(fc.record({ isPrivate: half, deleted: seldom, aiEnabled: often }), { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  people: fc.integer({ min: 1, max: 4 }),
  memberships: fc.array(fc.record({ org: pick, ofProject: half, project: pick, person: pick, role: pick }), { minLength: 2, maxLength: 12 }),
  threads: fc.array(
    fc.record({
      org: pick,
      ofProject: half,
      project: pick,
      author: pick,
      alias: pick,
      shared: half,
      turns: fc.array(
        fc.record({ byAuthor: half, author: pick, runs: fc.array(fc.record({ byAuthor: half, author: pick, reads: pick, odd: seldom, said: often }), { maxLength: 2 }) }),
        { maxLength: 2 },
      ),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  documents: fc.array(fc.record({ org: pick, ofProject: half, project: pick }), { maxLength: 3 }),
  asks: fc.array(
    fc.record({ asMember: half, member: pick, person: pick, org: pick, ofProject: half, project: pick, permission: pick, credential: pick, odd: pick }),
    { minLength: 2, maxLength: 2 },
  ),
  raw: fc.record({ org: pick, oddOrg: seldom, projects: fc.nat({ max: 63 }), odd: fc.nat({ max: 23 }), person: pick }),
})

export type Sketch = typeof sketch extends fc.Arbitrary<infer T> ? T : never

export const arbitrarySketch: fc.Arbitrary<Sketch> = sketch

const ROLES: readonly Role[] = ['owner', 'admin', 'member', 'member', 'viewer']
const PERMISSIONS: readonly Permission[] = ['read', 'read', 'chat', 'chat', 'write', 'admin']
/** What an address may say that is nobody's slug, or no id at all. */
const ODD_NAMES = ['nowhere', '*', '', 'p0/', 'a b', '%2A'] as const
/** What `ambit.project_ids` is never set to by Ambit. */
const ODD_PROJECTS = ['', '[]', 'garbage', '"p0"', '{}', '[null]', '[null,"*","p0"]', 'null', '["*","*"]', '[["p0"]]', '[0]', '*'] as const

function at<T>(list: readonly T[], n: number): T {
  const found = list[n % list.length]
  if (found === undefined) throw new Error('There is nothing to choose from.')
  return found
}

/** The world of a sketch. `prefix` keeps worlds apart that lie in one database. */
export function worldOf(drawn: Sketch, prefix: string): World {
  const places = drawPlaces(drawn, prefix)
  const people = Array.from({ length: drawn.people }, (_, n) => `${prefix}.u${n}`)
  const placeOf = ({ org, ofProject, project }: { org: number; ofProject: boolean; project: number }) => {
    const { id, homes } = at(places.homes, org)
    return { org: id, project: ofProject && homes.length > 1 ? at(homes.slice(1), project) : '*' }
  }
  const memberships = drawn.memberships.map(
    (one): MembershipFact => ({ ...placeOf(one), person: at(people, one.person), role: at(ROLES, one.role) }),
  )
  const documents = drawn.documents.map((one, n) => ({ ...placeOf(one), id: `d${n}` }))
  const talk = drawThreads(drawn, people, placeOf)
  const { organisations, projects, settings, homes } = places
  const directory = { organisations, projects, people, memberships: firstOfEach(memberships, (one) => `${one.org} ${one.project} ${one.person}`) }
  const asks = drawn.asks.map((one) => drawAsk(one, directory))
  return { ...directory, settings, ...talk, documents, asks, raw: drawRaw(drawn, homes, people) }
}

function drawPlaces(drawn: Sketch, prefix: string) {
  const organisations: OrganisationFact[] = []
  const projects: ProjectFact[] = []
  const settings: SettingsFact[] = []
  const homes = drawn.organisations.map((org, n) => {
    const id = `${prefix}.o${n}`
    organisations.push({ id, slug: `${prefix}.s${n}`, deleted: org.deleted })
    if (!org.aiEnabled || n === 0) settings.push({ org: id, project: '*', aiEnabled: org.aiEnabled })
    org.projects.forEach(({ aiEnabled, ...one }, m) => {
      // The slug is the next project's id, in every organisation another one.
      projects.push({ org: id, id: `p${m}`, slug: `p${(m + n + 1) % 5}`, ...one })
      if (!aiEnabled || m === 0) settings.push({ org: id, project: `p${m}`, aiEnabled })
    })
    return { id, homes: ['*', ...org.projects.map((_, m) => `p${m}`)] }
  })
  return { organisations, projects, settings, homes }
}

function drawThreads(drawn: Sketch, people: readonly string[], placeOf: (one: { org: number; ofProject: boolean; project: number }) => { org: string; project: string }) {
  const threads: ThreadFact[] = []
  const messages: MessageFact[] = []
  const runs: RunFact[] = []
  const events: EventFact[] = []
  const keys: KeyFact[] = []
  const files: FileFact[] = []
  for (const one of drawn.threads) {
    const place = placeOf(one)
    const inPlace = (other: { org: string; project: string }) => other.org === place.org && other.project === place.project
    const author = at(people, one.author)
    const thread = `t${threads.filter(inPlace).length}`
    // An alias may be what the server calls another thread.
    const alias = one.alias % 3 === 0 ? null : one.alias % 3 === 1 ? `t${one.alias % 4}` : `a${one.alias}`
    const isTaken = threads.some((other) => inPlace(other) && other.author === author && other.alias === alias)
    threads.push({ ...place, id: thread, author, alias: isTaken ? null : alias, shared: one.shared })
    const tell = (run: string | null): void => void events.push({ ...place, number: events.filter(inPlace).length, thread, run })
    tell(null)
    const attach = (by: string, message: string | null): void =>
      void files.push({ ...place, id: `f${files.filter(inPlace).length}`, author: by, thread: message && thread, message })
    attach(author, null)
    let number = 0
    const say = (message: Pick<MessageFact, 'author' | 'run' | 'said'>): string => {
      const id = `m${number}`
      messages.push({ ...place, thread, id, number: (number += 1), ...message })
      attach(message.author, id)
      return id
    }
    for (const turn of one.turns) {
      const question = say({ author: turn.byAuthor ? author : at(people, turn.author), run: null, said: true })
      for (const run of turn.runs) {
        const id = `r${runs.filter(inPlace).length}`
        const by = run.byAuthor ? author : at(people, run.author)
        const answer = say({ author: by, run: id, said: run.said })
        runs.push({ ...place, thread, id, question, answer, author: by, reads: drawReads(run, place.project) })
        tell(id)
        keys.push({ ...place, author: by, key: id })
      }
    }
  }
  return { threads, messages, runs, events, keys, files }
}

/** Most have read their own place; any other ones besides, also projects that are gone or never were. */
function drawReads({ reads, odd }: { reads: number; odd: boolean }, home: string): readonly (string | null)[] {
  const others = ['p0', 'p1', 'p2'].filter((_, n) => (reads % 8) & (1 << n)).filter(() => reads >= 24)
  if (odd) return reads % 3 === 0 ? [] : reads % 3 === 1 ? [null, ...others] : ['p4', '*']
  return [...new Set([home, ...others])]
}

/** Half of the asks come from a member, for where that is; the others from anybody for anything. */
function drawAsk(drawn: Sketch['asks'][number], { organisations, projects, people, memberships }: Pick<World, 'organisations' | 'projects' | 'people' | 'memberships'>): Ask {
  const { odd, ofProject } = drawn
  const membership = drawn.asMember ? at(memberships, drawn.member) : null
  const place = organisations.find((one) => one.id === membership?.org) ?? at(organisations, drawn.org)
  const own = projects.filter((one) => one.org === place.id)
  // Now and then another organisation's project, or one that nobody has.
  const drawnSlug = own.length === 0 || odd % 10 === 9 ? `p${drawn.project % 5}` : at(own, drawn.project).slug
  const slug = own.find((one) => one.id === membership?.project)?.slug ?? drawnSlug
  const oddName = at(ODD_NAMES, drawn.member)
  const target = {
    org: odd === 59 ? oddName : place.slug,
    ...(ofProject && { project: odd === 58 || odd === 57 ? oddName : slug }),
  }
  const subject = odd === 56 ? `${at(people, 0)}x` : membership?.person ?? at(people, drawn.person)
  return {
    who: { subject, kind: 'person', ...claimsOf(drawn.credential, target, at(organisations, drawn.credential).slug) },
    target,
    permission: at(PERMISSIONS, drawn.permission),
  }
}

/** Most credentials are the person's; the others are made for one organisation, or for one project of it. */
function claimsOf(credential: number, target: Ask['target'], elsewhere: string): Pick<Ask['who'], 'claims'> {
  if (credential < 35) return {}
  if (credential < 45) return { claims: { org: target.org } }
  if (credential < 49) return { claims: { org: elsewhere } }
  if (credential < 55) return { claims: { org: target.org, project: target.project ?? 'p0' } }
  return { claims: credential < 58 ? { org: target.org, project: `p${credential % 5}` } : { project: target.project ?? 'p0' } }
}

function drawRaw({ raw }: Sketch, homes: readonly { readonly id: string; readonly homes: readonly string[] }[], people: readonly string[]): RawSettings {
  const { id } = at(homes, raw.org)
  const all = ['*', 'p0', 'p1', 'p2', 'p3', 'p4']
  const some = all.filter((_, n) => raw.projects & (1 << n))
  return {
    org: raw.oddOrg ? at(['', 'garbage', '*', `${id}x`], raw.person) : id,
    projects: raw.odd > 11 ? at(ODD_PROJECTS, raw.odd) : JSON.stringify(some),
    user: raw.odd === 11 ? '' : raw.odd === 10 ? 'garbage' : at(people, raw.person),
  }
}

function firstOfEach<T>(list: readonly T[], keyOf: (one: T) => string): readonly T[] {
  const kept = new Map<string, T>()
  for (const one of list) if (!kept.has(keyOf(one))) kept.set(keyOf(one), one)
  return [...kept.values()]
}
