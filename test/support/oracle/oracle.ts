import type { Role } from '../../../src/lib/directory/directory.ts'
import type { Permission } from '../../../src/lib/scope/chat-execution-context.ts'
import type { RefusalCode } from '../../../src/lib/scope/refusal.ts'
import type { Ask, RawSettings, World } from './tenant-world.ts'

// Who may see what, said a second time and in another way: loops over the facts of a world, no SQL, nothing of the
// product's code. Where the two differ, one of them is wrong.

/** The answer to somebody at an address. */
export type Verdict = { readonly ok: false; readonly code: RefusalCode } | ({ readonly ok: true } & Granted)

export interface Granted {
  readonly role: Role
  readonly may: readonly Permission[]
  readonly org: string
  /** `*` in the organisation's scope. */
  readonly home: string
  readonly projects: readonly string[]
  readonly user: string
  readonly administers: boolean
}

/** The verdict, and the rows that the database shows to whoever it lets in. */
export interface Answer {
  readonly verdict: Verdict
  readonly rows: readonly string[]
}

export function answerTo(world: World, ask: Ask): Answer {
  const verdict = judge(world, ask)
  return { verdict, rows: verdict.ok ? listRows(world, settingsOf(verdict)) : [] }
}

export function settingsOf({ org, projects, user }: Granted): RawSettings {
  return { org, projects: JSON.stringify(projects), user }
}

/** What the address opens to this principal, and what may be done there. */
export function judge(world: World, { who, target, permission }: Ask): Verdict {
  const { org: onlyOrg, project: onlyProject } = who.claims ?? {}
  if (onlyProject !== undefined && (onlyOrg !== target.org || onlyProject !== target.project)) return no('not_found')
  if (onlyOrg !== undefined && onlyOrg !== target.org) return no('not_found')
  for (const org of world.organisations) {
    if (org.slug !== target.org || org.deleted) continue
    const home = target.project === undefined ? '*' : findProject(world, org.id, target.project)
    if (home === null) return no('not_found')
    const role = findRole(world, org.id, home, who.subject)
    if (role === null) return no('not_found')
    const may = listPermissions(world, org.id, home, role)
    if (!may.includes(permission)) return no(isEnough(role, permission) ? 'ai_unavailable' : 'forbidden')
    const visible = world.projects.filter((one) => one.org === org.id && !one.deleted && findRole(world, org.id, one.id, who.subject) !== null)
    const projects = home === '*' ? ['*', ...visible.map((one) => one.id)] : [home]
    return { ok: true, role, may, org: org.id, home, projects: projects.sort(), user: who.subject, administers: permission === 'admin' }
  }
  return no('not_found')
}

function no(code: RefusalCode): Verdict {
  return { ok: false, code }
}

function findProject(world: World, org: string, slug: string): string | null {
  for (const one of world.projects) if (one.org === org && one.slug === slug && !one.deleted) return one.id
  return null
}

/** The higher of the project's own membership and the organisation's, which does not reach a private project. */
function findRole(world: World, org: string, home: string, person: string): Role | null {
  let [own, common]: (Role | null)[] = [null, null]
  for (const one of world.memberships) {
    if (one.org !== org || one.person !== person) continue
    if (one.project === home) own = one.role
    if (one.project === '*') common = one.role
  }
  const isPrivate = world.projects.some((one) => one.org === org && one.id === home && one.isPrivate)
  const held = isPrivate ? [own] : [own, common]
  return (['owner', 'admin', 'member', 'viewer'] as const).find((role) => held.includes(role)) ?? null
}

function isEnough(role: Role, permission: Permission): boolean {
  if (permission === 'admin') return role === 'owner' || role === 'admin'
  return permission === 'read' || role !== 'viewer'
}

function listPermissions(world: World, org: string, home: string, role: Role): readonly Permission[] {
  const off = world.settings.some((one) => one.org === org && (one.project === '*' || one.project === home) && !one.aiEnabled)
  return (['read', 'write', 'chat', 'admin'] as const).filter((one) => isEnough(role, one) && !(one === 'chat' && off))
}

/** The rows that these settings show, as `table/key`: all that row-level security may say. */
export function listRows(world: World, settings: RawSettings): readonly string[] {
  const projects = parseProjects(settings.projects)
  const user = settings.user === '' ? null : settings.user
  const inScope = (row: { org: string; project: string }) => row.org === settings.org && projects.includes(row.project)
  const rows: string[] = []
  for (const one of world.settings) if (inScope(one)) rows.push(`settings/${one.org}/${one.project}`)
  for (const one of world.memberships) if (inScope(one)) rows.push(`memberships/${one.org}/${one.project}/${one.person}`)
  for (const one of world.documents) {
    if (inScope(one)) rows.push(`documents/${one.org}/${one.project}/${one.id}`, `postings/${one.org}/${one.project}/word/${one.id}`)
  }
  for (const one of world.keys) {
    if (inScope(one) && one.author === user) rows.push(`idempotency_keys/${one.org}/${one.project}/${one.author}/POST/${one.key}`)
  }
  // A file is its author's; once it was sent, it is seen with what was said.
  for (const one of world.files) {
    if (inScope(one) && one.author === user) rows.push(`files/${one.org}/${one.project}/${one.id}`)
  }
  for (const thread of world.threads) {
    if (!inScope(thread)) continue
    const at = `${thread.org}/${thread.project}`
    const isOpen = thread.shared || thread.author === user
    if (isOpen) rows.push(`threads/${at}/${thread.id}`)
    const isOfThread = (one: { org: string; project: string; thread: string }) =>
      one.org === thread.org && one.project === thread.project && one.thread === thread.id
    for (const one of world.events) if (isOpen && isOfThread(one)) rows.push(`events/${at}/${one.number}`)
    const readable = new Set<string | null>([null])
    for (const run of world.runs) {
      if (!isOfThread(run) || !(isOpen || run.author === user)) continue
      rows.push(`runs/${at}/${run.id}`, `claims/${at}/${run.id}/1`)
      if (!run.reads.every((one) => one !== null && projects.includes(one))) continue
      readable.add(run.id)
      rows.push(`read_sets/${at}/${run.id}`, `steps/${at}/${run.id}/1`, `frames/${at}/${run.id}/1`, `manifests/${at}/${run.id}`, `calls/${at}/${run.id}/c1`)
    }
    for (const message of world.messages) {
      if (!isOfThread(message) || !(isOpen || message.author === user)) continue
      rows.push(`messages/${at}/${thread.id}/${message.id}`)
      if (!message.said || !readable.has(message.run)) continue
      rows.push(`message_contents/${at}/${thread.id}/${message.id}`)
      for (const one of world.files) if (isOfThread({ ...one, thread: one.thread ?? '' }) && one.message === message.id && one.author !== user) rows.push(`files/${at}/${one.id}`)
    }
  }
  return rows.sort()
}

/** What is no list of texts opens nothing. */
function parseProjects(text: string): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed.filter((one) => typeof one === 'string') : []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}
