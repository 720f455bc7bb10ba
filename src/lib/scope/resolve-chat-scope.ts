import type { Access, ChatTarget, Directory, Place, Role } from '../directory/directory.ts'
import { isId } from '../directory/principal.ts'
import type { Id, Principal } from '../directory/principal.ts'
import type { Limits } from '../limits/limits.ts'
import { allowsModel } from '../model/model-name.ts'
import type { SettingsRow } from '../store/settings-rows.ts'
import { ORGANISATION, createContext } from './chat-execution-context.ts'
import type { ChatExecutionContext, Permission } from './chat-execution-context.ts'
import { NOT_FOUND, refuse } from './refusal.ts'
import type { Refusal } from './refusal.ts'

const PROJECT_PAGE = 1_000
const ROLES: readonly string[] = ['owner', 'admin', 'member', 'viewer'] satisfies readonly Role[]
const RETRY_AFTER_S = 60

/** Where the answer is looked up. */
export interface ScopeSources {
  readonly directory: Directory
  settings(orgId: Id, projectId: string): Promise<{ readonly org: SettingsRow; readonly project: SettingsRow }>
  /** Names of the models that may be used, and patterns of names, the default first. Empty: there is none. */
  models(): readonly string[]
  /** Milliseconds until a model can be called, while the providers of all fail; absent, or 0: now. */
  modelWaitMs?(): number
  /** Names of the tools that these grants open in this kind of scope. */
  tools(scope: { readonly project: Place | null; readonly grants: readonly string[] }): readonly string[]
  readonly limits: Limits
  /** Whether the credential that the principal came with is still good; absent where it was just checked. */
  credentialHolds?(who: Principal): Promise<boolean>
}

/**
 * Decides once, up front, what a request (or a run without one) may touch.
 *
 * Refuses with `not_found` for what is foreign, private, deleted or absent alike; `forbidden` for a role that is not
 * enough; `ai_unavailable` where no model can be called or the organisation switched chat off. What is resolved for
 * reading or writing is never refused for the model's sake: a stop works while the model is away.
 *
 * `known` is an earlier answer to the same question, of somebody who asks again and again: it is the answer once more, and no
 * project is asked for, where the directory has a `version` and says that nothing changed.
 */
export async function resolveChatScope(
  sources: ScopeSources,
  who: Principal,
  target: ChatTarget,
  permission: Permission = 'chat',
  known: ChatExecutionContext | null = null,
): Promise<ChatExecutionContext | Refusal> {
  if (!isId(who.subject)) throw new Error('The principal that was authenticated has no id as its subject.')
  if (!isId(target.org) || (target.project !== undefined && !isId(target.project))) return NOT_FOUND
  if (sources.credentialHolds && !(await sources.credentialHolds(who))) return CREDENTIAL_ENDED
  const access = await sources.directory.access(who, target)
  if (!access) return NOT_FOUND
  demandSound(access, target)
  const org = placeOf(access.org)
  const project = access.project ? placeOf(access.project) : null
  const same = known !== null && access.version !== undefined && access.version === known.version
  const [settings, places] = await Promise.all([
    sources.settings(org.id, project?.id ?? ORGANISATION),
    same ? known.places : project ? [project] : listPlaces(sources, who, org.id),
  ])
  const models = chosenFirst(sources.models(), settings)
  const allowed = mayAs(access.role)
  if (permission === 'admin' && !allowed.includes('admin')) return ADMINS_ONLY
  if (!allowed.includes(permission)) return READS_ONLY
  const unavailable = availability(settings, models.length > 0 ? (sources.modelWaitMs?.() ?? 0) : null)
  if (unavailable && permission === 'chat') return unavailable
  if (same) return known
  const grants = access.grants ?? []
  const projectIds = places.map((place) => place.id)
  return createContext({
    principal: structuredClone(who),
    target: { ...target },
    org,
    project,
    role: access.role,
    grants: [...grants],
    may: allowed.filter((one) => one !== 'chat' || !unavailable),
    places,
    rows: { orgId: org.id, projectIds: project ? projectIds : [...projectIds, ORGANISATION], userId: who.subject, ...(permission === 'admin' && { administers: true }) },
    models,
    tools: sources.tools({ project, grants }),
    instructions: { org: settings.org.instructions, project: project ? settings.project.instructions : '' },
    limits: sources.limits,
    version: access.version ?? null,
  })
}

/** What a role may do where nothing is switched off: the one rule. */
export function mayAs(role: Role): readonly Permission[] {
  if (role === 'viewer') return ['read']
  return role === 'member' ? ['read', 'write', 'chat'] : ['read', 'write', 'chat', 'admin']
}

/** A directory that breaks its promise must not open anything: an id like `*` would open the organisation's own rows. */
function demandSound(access: Access, target: ChatTarget): void {
  const wrongKind = (access.project === undefined) !== (target.project === undefined)
  const places = access.project ? [access.org, access.project] : [access.org]
  if (wrongKind || !places.every((place) => isId(place.id))) {
    throw new Error('The directory answered with another kind of place than it was asked for, or with an id that is none.')
  }
  if (!ROLES.includes(access.role)) throw new Error('The directory answered with a role that is none of owner, admin, member and viewer.')
  if (!Array.isArray(access.grants ?? [])) throw new Error('The directory answered with grants that are no list.') // the text "payroll" would include "pay"
}

const CREDENTIAL_ENDED = refuse('unauthenticated', 'The credential with which this began is no longer good. Sign in again, or use another key.')

const ADMINS_ONLY = refuse('forbidden', 'Only admins and owners of this place can change that. Ask one of them.')

const READS_ONLY = refuse(
  'forbidden',
  'Your role here is viewer: it reads, it does not chat. Ask an admin of this place for the member role.',
)

/** The project's own choice, or else its organisation's, is the default. One that is no longer allowed is passed over. */
function chosenFirst(models: readonly string[], { project, org }: { readonly org: SettingsRow; readonly project: SettingsRow }): readonly string[] {
  const chosen = [project.model, org.model].find((name) => name !== null && allowsModel(models, name))
  return chosen ? [chosen, ...models.filter((name) => name !== chosen)] : models
}

function availability(
  settings: { readonly org: SettingsRow; readonly project: SettingsRow },
  modelWaitMs: number | null,
): Refusal | null {
  if (!settings.org.ai_enabled || !settings.project.ai_enabled) {
    return refuse('ai_unavailable', 'AI chat is switched off here. An admin of the organisation can switch it on.', { retry_after: RETRY_AFTER_S })
  }
  if (modelWaitMs !== 0) {
    const retryAfterS = modelWaitMs === null ? RETRY_AFTER_S : Math.ceil(modelWaitMs / 1_000)
    return refuse('ai_unavailable', 'No model can be called at the moment. Try again later, or ask whoever runs this server.', { retry_after: retryAfterS })
  }
  return null
}

/** A copy of what a context needs: it is frozen and stored, and the host's own object may be neither. */
function placeOf({ id, slug, name, about }: Place): Place {
  return { id, slug, name, ...(about !== undefined && { about }) }
}

/** All visible projects up to the limit; more are left out, which narrows and never opens. */
async function listPlaces(sources: ScopeSources, who: Principal, orgId: Id): Promise<readonly Place[]> {
  const places: Place[] = []
  let after: Id | undefined
  while (places.length < sources.limits.projects) {
    const limit = Math.min(PROJECT_PAGE, sources.limits.projects - places.length)
    const page = await sources.directory.projects(who, orgId, after === undefined ? { limit } : { limit, after })
    if (!page.every((place) => isId(place.id))) throw new Error('The directory listed a project whose id is none.')
    places.push(...page.map(placeOf))
    after = page.at(-1)?.id
    if (page.length < limit) break
  }
  return places
}
