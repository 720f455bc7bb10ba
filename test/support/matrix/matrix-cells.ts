import { SCOPED_ROUTES } from '../../../src/lib/http/routes.ts'
import { must } from '../stage.ts'
import { lookUpOf, plainAddresses, spelledAddresses } from './addresses.ts'
import type { Address } from './addresses.ts'
import type { Callers } from './callers.ts'
import type { Canaries, Rule } from './canaries.ts'
import { isProject, mayDo, placesOf, roleAt, scopeOf, seesThread } from './facts.ts'
import type { Caller, PlaceName, PlantedThread } from './facts.ts'
import type { Cell } from './perform.ts'
import type { PlantedDocument } from './plant.ts'
import { addressOf } from './plant-threads.ts'
import { OPEN, ROUTES, statusOf } from './routes.ts'
import type { RouteFacts } from './routes.ts'

export interface Planted {
  readonly canaries: Canaries
  readonly callers: Callers
  readonly threads: readonly PlantedThread[]
  readonly documents: readonly PlantedDocument[]
  idOf(place: PlaceName): string
}

interface Route {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly facts: RouteFacts
}

/** From the product's own table, so that no route is forgotten. */
export function allRoutes(): readonly Route[] {
  return SCOPED_ROUTES.map(({ method, path }) => {
    const facts = ROUTES[`${method} ${path}`]
    if (!facts) throw new Error(`The matrix does not know ${method} ${path}: declare it in test/support/matrix/routes.ts.`)
    return { name: `${method} ${path}`, method, path, facts }
  })
}

/** Things that a path names beside the place. */
interface Named {
  readonly text: string
  readonly thread: PlantedThread | null
  readonly document: PlantedDocument | null
}

const NEVER = '0123456789abcdef0123456789abcdef'

const idsOf = ({ facts }: Route, { id, run, file }: PlantedThread): string => (facts.names === 'run' ? run : facts.names === 'file' ? file : id)
const KINDS = { thread: 'thr', run: 'run', document: 'doc', file: 'file', person: 'somebody', key: 'key' } as const
const never = ({ facts }: Route): Named => nothing(`${KINDS[facts.names ?? 'thread']}_${NEVER}`)
const nothing = (text: string): Named => ({ text, thread: null, document: null })

/** A person and a key that a path names are nobody's. */
const namesThing = ({ facts }: Route): boolean => facts.names !== undefined && !['person', 'key'].includes(facts.names)

/** Whether a route stands below an address of this kind. */
function fits({ facts }: Route, { asked }: Address): boolean {
  return facts.only === undefined || (typeof asked === 'string' && asked.includes('/') === (facts.only === 'project'))
}

export function createCells({ canaries, callers, threads, documents, idOf }: Planted) {
  let count = 0

  /** A thread of the place that is shared and has ended, else of acme/apollo: whatever the path needs. */
  const fixture = (place: PlaceName | null): PlantedThread =>
    must(threads.find((one) => one.place === place && one.shared && !one.live) ?? threads.find((one) => one.place === 'acme/apollo' && one.shared))

  /** The same of documents: the second one of each place is there to be deleted. */
  const kept = documents.filter(({ place }, index) => documents.findIndex((one) => one.place === place) === index)
  const spare = documents.filter((one) => !kept.includes(one))

  /** What a path names, where it names what is there. */
  const fixtureFor = (route: Route, place: PlaceName | null): Named => {
    // One person is added, and another one is removed.
    if (route.facts.names !== undefined && !namesThing(route)) return nothing(`${route.method}-${NEVER}`)
    if (route.facts.names !== 'document') {
      const thread = fixture(place)
      return { text: idsOf(route, thread), thread, document: null }
    }
    const document = must(kept.find((one) => one.place === place) ?? kept.find((one) => one.place === 'acme/apollo'))
    return { text: document.id, thread: null, document }
  }

  const ruleOf = (route: Route, caller: Caller, { at, thread, document }: { at: PlaceName | null } & Omit<Named, 'text'>): Rule => {
    const place = at ?? 'nowhere'
    if (route.path.startsWith('/documents')) return { of: 'place', place: document?.place ?? place }
    if (route.facts.permission === 'admin') return isProject(place) ? { of: 'place', place } : { of: 'organisation', org: place }
    return thread && seesThread(caller, at, thread) ? { of: 'thread', thread } : { of: 'person', person: caller.person ?? 'rae', place }
  }

  const bodyOf = (route: Route, caller: Caller, target: { at: PlaceName | null } & Omit<Named, 'text'>): string | undefined => {
    if (!route.facts.body) return undefined
    count += 1
    return JSON.stringify(route.facts.body(canaries.mint(`matrix/${caller.person ?? 'nobody'}`, ruleOf(route, caller, target)), count))
  }

  /** A route at an address, about a thing. */
  const cell = (part: string, route: Route, { caller, address, named }: { caller: Caller; address: Address; named: Named }): Cell => {
    const at = address.means
    const { thread, document } = named
    const routed = address.asked !== undefined
    const status = routed ? statusOf(route.facts, { caller, at, thread, document }) : 404
    const role = roleAt(caller, at)
    const barred = role !== null && !mayDo(role, route.facts.permission)
    const seen = route.facts.names === 'document' ? document !== null && at !== null && scopeOf(caller, at).includes(document.place) : thread !== null && seesThread(caller, at, thread)
    const unseen = role !== null && namesThing(route) && !seen
    const where = role === null ? `${address.asked?.includes('/') ? 'project' : 'organisation'} ${lookUpOf(address, caller)}` : `${at}`
    const group = `${caller.name} ${route.name} ${where} ${barred ? 'barred' : 'unseen'}`
    return {
      part, caller, method: route.method, at, status,
      path: address.prefix + route.path.replace(NAMES, () => named.text),
      body: bodyOf(route, caller, { at, thread, document }),
      ...((route.path.endsWith('/stream') || route.path.endsWith('/events')) && { live: true }),
      ...((role === null || barred || unseen) && caller.person !== null && { sameAnswer: group, sameStatements: group }),
    }
  }

  const addressCells = (part: string, callersOf: readonly Caller[], addresses: readonly Address[]): readonly Cell[] =>
    allRoutes().flatMap((route) =>
      callersOf.flatMap((caller) =>
        addresses.filter((address) => fits(route, address)).map((address) => cell(part, route, { caller, address, named: fixtureFor(route, address.means) })).filter((one) => !takesAway(one)),
      ),
    )

  const own = (place: PlaceName): Address => ({ prefix: addressOf(place), means: place, asked: place })

  /** What a path can name at a place: all that there is, and what there is not. */
  const namesFor = (route: Route): readonly Named[] => [
    never(route),
    ...(route.facts.names === 'document'
      ? documents.map((document) => ({ text: document.id, thread: null, document }))
      : threads.map((thread) => ({ text: idsOf(route, thread), thread, document: null }))),
    // Another kind of id, a name that is somebody's own, and what cannot be an id.
    ...threads.slice(0, 2).map((thread) => nothing(route.facts.names === 'run' ? thread.id : thread.run)),
    ...threads.slice(0, 1).flatMap(({ question, answer }) => [question, answer].map(nothing)),
    ...odd(fixtureFor(route, 'acme/apollo').text).map(nothing),
  ]

  const namedThread = (thread: PlantedThread): Named => ({ text: thread.id, thread, document: null })

  return {
    /** Every place by its name × everybody whose credential is good. */
    addresses(): readonly Cell[] {
      const { orgs, projects } = plainAddresses(idOf)
      return addressCells('address', callers.good, [...orgs, ...projects])
    },
    /** Every way to write a place × two callers: a key of one organisation, a token of two. */
    spellings(): readonly Cell[] {
      const { orgs, projects } = spelledAddresses()
      const some = callers.good.filter(({ name }) => ['ada@acme', 'both by token'].includes(name))
      return thinned(addressCells('spelling', some, [...orgs, ...projects]), 3)
    },
    /** Credentials that are nobody's, wherever they knock. */
    strangers(): readonly Cell[] {
      const { orgs, projects } = plainAddresses(idOf)
      const some = [...orgs, ...projects].filter(({ asked }) => ['acme', 'globex', 'never', 'acme/apollo', 'acme/zephyr', 'acme/never', 'globex/apollo'].includes(asked ?? ''))
      return thinned(addressCells('stranger', callers.bad, some), 2).map((one) => ({ ...one, sameAnswer: 'unauthenticated', sameStatements: `${one.caller.name} is nobody` }))
    },
    /** Threads and runs of everybody, named at every place that a caller may enter. */
    objects(): readonly Cell[] {
      const all = allRoutes().filter(namesThing).flatMap((route) =>
        callers.good.flatMap((caller) =>
          placesOf(caller).flatMap((place) =>
            namesFor(route)
              // Whoever may stop a run that is under way would stop it for all the others.
              .filter(({ thread }) => !(route.path.endsWith('/stop') && thread?.live && seesThread(caller, place, thread)))
              .map((named) => cell('object', route, { caller, address: own(place), named }))
              .filter((one) => !takesAway(one)),
          ),
        ),
      )
      return thinned(all, 4)
    },
    /** An own alias is an address for its author, and for nobody else. */
    aliases(): readonly Cell[] {
      const routes = allRoutes().filter(({ facts, method }) => facts.names === 'thread' && method === 'GET')
      return routes.flatMap((route) =>
        callers.good.flatMap((caller) =>
          threads.filter(({ place }) => roleAt(caller, place) !== null).map((thread) =>
            cell('alias', route, { caller, address: own(thread.place), named: { text: thread.alias, thread: thread.author === caller.person ? thread : null, document: null } }),
          ),
        ),
      )
    },
    /** What is not a body of its route, wherever it is sent, and whatever it is about. */
    nonsense(): readonly Cell[] {
      const { orgs, projects } = plainAddresses(idOf)
      const some = callers.good.filter(({ name }) => ['bob@acme', 'dave@acme', 'rae@acme', 'gus@globex'].includes(name))
      return allRoutes().flatMap((route) =>
        (route.facts.nonsense ?? []).flatMap((body, index) => {
          // Everything once for each nonsense; each address, caller and thread with some nonsense.
          const addresses = [...orgs, ...projects].filter((address, at) => (at + index) % 6 === 0 && fits(route, address))
          return some.flatMap((caller) =>
            addresses.map((address): Cell => {
              const thread = must(threads[(index * 7 + addresses.indexOf(address)) % threads.length])
              const made = cell('nonsense', route, { caller, address, named: route.facts.names === 'document' || !namesThing(route) ? fixtureFor(route, address.means) : { text: idsOf(route, thread), thread, document: null } })
              return { ...made, body, status: 400, live: false, sameAnswer: `${route.name} nonsense ${index}`, sameStatements: `${caller.name} nonsense` }
            }),
          )
        }),
      )
    },
    /** What takes a thing away, of things that no other cell stands on: each once, by somebody who may, and after all others. */
    removals(): readonly Cell[] {
      const routes = allRoutes().filter((route) => route.method === 'DELETE' && namesThing(route))
      return routes.flatMap((route) => {
        const names = route.facts.names === 'document'
          ? spare.map((document): Named => ({ text: document.id, thread: null, document }))
          : threads.filter(({ shared, live }) => !shared && !live).map(namedThread)
        return names.flatMap((named) => {
          const place = must(named.document?.place ?? named.thread?.place)
          const made = callers.good.filter((caller) => roleAt(caller, place) !== null).map((caller) => cell('removal', route, { caller, address: own(place), named }))
          return made.filter(takesAway).slice(0, 1)
        })
      })
    },
    /** Routes outside any scope, for everybody. */
    open(): readonly Cell[] {
      return Object.entries(OPEN).flatMap(([name, { asks, off }]) => {
        const [method = '', path = ''] = name.split(' ')
        return [...callers.good, ...callers.bad].map((caller): Cell => ({
          part: 'open', caller, method, path, at: null, status: off ? 404 : asks && caller.person === null ? 401 : 200,
          ...(!asks && { sameAnswer: name }),
        }))
      })
    },
    /** Methods that no route has: nothing, whoever asks. */
    otherMethods(): readonly Cell[] {
      const some = [must(callers.bad[0]), ...callers.good.filter(({ name }) => name === 'ada@acme')]
      return ['PUT', 'DELETE', 'OPTIONS', 'PROPFIND'].flatMap((method) =>
        allRoutes().filter(({ path }) => !allRoutes().some((route) => route.method === method && route.path === path)).flatMap(({ path }) =>
          some.flatMap((caller) =>
            ['acme', 'acme/zephyr'].map((place): Cell => ({
              part: 'method', caller, method, at: null, status: 404, sameAnswer: 'no route',
              path: addressOf(place) + path.replace(NAMES, () => must(threads[0]).id),
            })),
          ),
        ),
      )
    },
  }
}

const NAMES = /:thread|:run|:document|:file|:person|:key/

/** What was there for a cell is not there for the next one. */
function takesAway({ method, status }: Cell): boolean {
  return method === 'DELETE' && status === 204
}

/** Whether a cell is expected to change something. */
export function isWrite({ method, status }: Cell): boolean {
  return method !== 'GET' && status < 300
}

/** One of so many, and in each row another one, so that every caller still meets every kind of thing at some route. */
function thinned(cells: readonly Cell[], of: number): readonly Cell[] {
  return cells.filter((_, index) => (index + Math.floor(index / 7)) % of === 0)
}

/** Ids that are not quite one. */
function odd(id: string): readonly string[] {
  return [id.toUpperCase(), `${id}.`, `${id}%00`, `${id};a=b`, `%2e%2e%2f${id}`, `${id}%2f..`, `%25${id}`, `*`, `%2a`, `%27%20or%20true--`, `${id},${id}`, '%ff', 'x'.repeat(129), '__proto__']
}
