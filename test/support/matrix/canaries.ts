import { orgOf, roleAt, scopeOf, placesOf, seesThread } from './facts.ts'
import type { Caller, Person, PlaceName, PlantedThread } from './facts.ts'

/** Who may come across a text (or an id). */
export type Rule =
  /** What belongs to a place: whoever has it in the scope that is addressed. */
  | { readonly of: 'place'; readonly place: PlaceName }
  /** What is said of an organisation in all of its projects, too. */
  | { readonly of: 'organisation'; readonly org: string }
  | { readonly of: 'thread'; readonly thread: Pick<PlantedThread, 'place' | 'author' | 'shared'> }
  /** What somebody calls a thing of his own, and what he wrote into a thread that nobody else sees. */
  | { readonly of: 'person'; readonly person: Person; readonly place: PlaceName }
  /** What somebody is called: told to oneself; and where that person may ask, to whoever reads there. */
  | { readonly of: 'name'; readonly person: Person; readonly places: readonly PlaceName[] }

export interface Canaries {
  /** A new token, `CNRY-<org>-<whose>-<n>`. */
  mint(whose: string, rule: Rule): string
  /** Lets an id of Ambit's own be one. */
  watch(id: string, rule: Rule): void
  /** Whoever names a thing knows it from then on: what became of that in a thread of his is no news to him. */
  told(person: Person, text: string): void
  /** The tokens in a text that this caller may not see at this address, but for those that the request brought. */
  sightings(text: string, sight: Sight): string[]
  /** The tokens in a text. */
  find(text: string): string[]
}

/** Through whose eyes a text is read. No place: an answer that is about none, or a refusal. `everywhere`: about all that are the caller's. */
export interface Sight {
  readonly caller: Caller
  readonly at: PlaceName | 'everywhere' | null
  readonly brought: string
}

const TOKEN = /CNRY-[a-z0-9]+-[a-z0-9]+-\d+|\b(?:org|prj|thr|msg|run|doc|key|file)_[0-9a-f]{32}\b/g

export function createCanaries(): Canaries {
  const rules = new Map<string, Rule>()
  const known = new Map<string, Set<Person>>()
  const find = (text: string) => [...new Set(text.match(TOKEN) ?? [])]
  return {
    find,
    mint(whose, rule) {
      const token = `CNRY-${whose.replace('/', '-')}${whose.includes('/') ? '' : '-org'}-${rules.size}`
      rules.set(token, rule)
      return token
    },
    watch: (id, rule) => void rules.set(id, rule),
    told(person, text) {
      for (const token of find(text)) known.set(token, (known.get(token) ?? new Set()).add(person))
    },
    sightings(text, { caller, at, brought }) {
      const own = new Set(find(brought))
      return find(text).filter((token) => {
        if (own.has(token) || (caller.person !== null && known.get(token)?.has(caller.person))) return false
        const rule = rules.get(token)
        // Ids of what came to be during the matrix are not watched; every canary is.
        return rule ? !seesIt(caller, at, rule) : token.startsWith('CNRY')
      })
    },
  }
}

function seesIt(caller: Caller, at: Sight['at'], rule: Rule): boolean {
  if (rule.of === 'name' && caller.person === rule.person) return at !== null
  return at === 'everywhere' ? placesOf(caller).some((place) => maySee(caller, place, rule)) : maySee(caller, at, rule)
}

function maySee(caller: Caller, at: PlaceName | null, rule: Rule): boolean {
  if (at === null || roleAt(caller, at) === null) return false
  switch (rule.of) {
    case 'place':
      return scopeOf(caller, at).includes(rule.place)
    case 'organisation':
      return orgOf(at) === rule.org && placesOf(caller).some((place) => orgOf(place) === rule.org)
    case 'thread':
      return seesThread(caller, at, rule.thread)
    case 'person':
      return caller.person === rule.person && at === rule.place
    case 'name':
      return rule.places.includes(at)
  }
}
