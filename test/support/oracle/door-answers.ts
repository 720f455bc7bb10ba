import { judge, listRows, settingsOf } from './oracle.ts'
import type { Ask, World } from './tenant-world.ts'

/** What a GET below an address answers: what of it tells something of who sees what. */
export interface DoorAnswer {
  readonly path: string
  readonly status: number
  /** Null where it is refused. */
  readonly body: unknown
}

/** Something that may or may not be there, by the name that an address gives it. */
export interface Named {
  readonly thread: string
  readonly run: string
}

/** What the door must say to a reader, by the oracle. */
export function expectedAtDoor(world: World, ask: Ask, named: Named): readonly DoorAnswer[] {
  const paths = pathsOf(named)
  const verdict = judge(world, { ...ask, permission: 'read' })
  if (!verdict.ok) return paths.map((path) => ({ path, status: 404, body: null }))
  const { org, home, user } = verdict
  const rows = new Set(listRows(world, settingsOf(verdict)))
  const isHere = (one: { readonly org: string; readonly project: string }) => one.org === org && one.project === home
  const threads = world.threads.filter((one) => isHere(one) && rows.has(`threads/${org}/${home}/${one.id}`))
  const runs = world.runs.filter((one) => isHere(one) && rows.has(`runs/${org}/${home}/${one.id}`))
  const thread = threads.find((one) => one.author === user && one.alias === named.thread) ?? threads.find((one) => one.id === named.thread)
  const messages = world.messages.filter((one) => isHere(one) && one.thread === thread?.id)
  const run = runs.find((one) => one.id === named.run)
  const isReadable = rows.has(`read_sets/${org}/${home}/${named.run}`)
  const bodies = [
    threads.map((one) => one.id).sort(),
    runs.map((one) => one.id).sort(),
    world.settings.find(isHere)?.aiEnabled ?? true,
    thread ? thread.id : null,
    thread ? messages.map((one) => [one.id, !rows.has(`message_contents/${org}/${home}/${one.thread}/${one.id}`)]) : null,
    run ? [run.id, isReadable ? 1 : 0, isReadable] : null,
  ]
  return paths.map((path, n) => ({ path, status: bodies[n] === null ? 404 : 200, body: bodies[n] }))
}

/** The same, as a request gets it. */
export async function askDoor(get: (path: string) => Promise<Response>, named: Named): Promise<readonly DoorAnswer[]> {
  const answers: DoorAnswer[] = []
  for (const [n, path] of pathsOf(named).entries()) {
    const response = await get(path)
    const body = (await response.json()) as unknown
    answers.push({ path, status: response.status, body: response.status === 200 ? told(n, body as Told) : null })
  }
  return answers
}

function pathsOf({ thread, run }: Named): readonly string[] {
  return ['/threads', '/runs', '/settings', `/threads/${thread}`, `/threads/${thread}/messages`, `/runs/${run}`]
}

interface Told {
  readonly id: string
  readonly threads: readonly { readonly id: string }[]
  readonly runs: readonly { readonly id: string }[]
  readonly ai_enabled: boolean
  readonly messages: readonly { readonly id: string; readonly metadata: { readonly ambit: { readonly hidden: boolean } } }[]
  readonly steps: readonly unknown[]
  readonly manifest: unknown
}

/** What is compared of the body at the path of this number. */
function told(path: number, body: Told): unknown {
  const tellings: readonly (() => unknown)[] = [
    () => body.threads.map((one) => one.id).sort(),
    () => body.runs.map((one) => one.id).sort(),
    () => body.ai_enabled,
    () => body.id,
    () => body.messages.map((one) => [one.id, one.metadata.ambit.hidden]),
    () => [body.id, body.steps.length, body.manifest !== null],
  ]
  return tellings[path]?.()
}
