import { isId } from '../directory/principal.ts'
import type { Principal } from '../directory/principal.ts'
import { isShallow } from '../limits/is-shallow.ts'
import type { Unidentified } from './authenticate.ts'

/** What a token says, after its signature has been checked. */
export type Claims = Readonly<Record<string, unknown>>

/** The claims of a token that make a principal: names at the top level. A claim that is named and not there, or unfit, refuses the token. */
export interface ClaimNames {
  /** The person's id. Absent: `sub`. */
  readonly subject?: string
  /** `person` or `service`. Absent: everybody is a person. */
  readonly kind?: string
  /** The one organisation that the token opens, as the address names it. Absent: all that the person is in. */
  readonly org?: string
  /** The one project of that organisation that the token opens. Absent: all that the person may see. */
  readonly project?: string
  /** Copied for the host's directory under their own names, where they are there. They are stored with each run: no secrets. */
  readonly copy?: readonly string[]
}

/** The same as a function of the host's: null refuses the token. */
export type ReadClaims = (claims: Claims) => Principal | null

/** Throws where the names cannot mean what they say. */
export function demandClaimNames({ org, project, copy = [] }: ClaimNames): void {
  if (project !== undefined && org === undefined) {
    throw new Error('claims.project needs claims.org: a project is named within its organisation.')
  }
  if (copy.includes('org') || copy.includes('project')) {
    // Copied where they are there, they would narrow some tokens and open everything to the others.
    throw new Error('claims.copy cannot hold "org" or "project": name them as claims.org and claims.project.')
  }
}

/** The principal that the claims make. Only what is named gets into it: it is stored with each run. */
export function principalOf(claims: Claims, wanted: ClaimNames | ReadClaims): Principal | Unidentified {
  return typeof wanted === 'function' ? readBy(wanted, claims) : readNamed(claims, wanted)
}

function readBy(read: ReadClaims, claims: Claims): Principal | Unidentified {
  const who = read(claims)
  if (!who) return { ok: false, code: 'refused', reason: 'not_mapped' }
  return isId(who.subject) ? who : { ok: false, code: 'refused', reason: 'bad_subject' }
}

function readNamed(claims: Claims, { subject = 'sub', kind, org, project, copy = [] }: ClaimNames): Principal | Unidentified {
  const valueOf = (name: string): unknown => (Object.hasOwn(claims, name) ? claims[name] : undefined)
  const unfit = (name: string): Unidentified => ({
    ok: false, code: 'refused', reason: valueOf(name) === undefined ? 'missing_claim' : 'bad_claim', claim: name,
  })

  const id = valueOf(subject)
  if (!isId(id)) return unfit(subject)
  const who = kind === undefined ? 'person' : valueOf(kind)
  if (who !== 'person' && who !== 'service') return unfit(kind ?? '')
  // A narrowing claim that is not there must not widen: without it the principal would be in all of its organisations.
  const narrowing = Object.entries({ org, project }).flatMap(([name, claim]) => (claim === undefined ? [] : [{ name, claim }]))
  const copied = copy.flatMap((claim) => (valueOf(claim) === undefined ? [] : [{ name: claim, claim }]))
  const wrong = narrowing.find(({ claim }) => !isId(valueOf(claim))) ?? copied.find(({ claim }) => !isShallow(valueOf(claim)))
  if (wrong) return unfit(wrong.claim)
  return { subject: id, kind: who, claims: Object.fromEntries([...copied, ...narrowing].map(({ name, claim }) => [name, valueOf(claim)])) }
}
