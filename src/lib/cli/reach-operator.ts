import { z } from 'zod'
import { OPERATOR_PATH } from '../http/operator-door.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Database } from '../store/database.ts'
import { openHandles } from '../store/handles.ts'
import { connect } from '../store/open-postgres.ts'
import { openEmbedded } from './open-embedded.ts'
import type { OperatorTask } from './operator-task.ts'
import { operatorWork } from './operator-work.ts'
import type { OperatorPlace } from './operator-work.ts'
import { findServer } from './server-file.ts'
import type { ServerNote } from './server-file.ts'
import { badSetting } from './settings.ts'
import type { Surroundings } from './command.ts'

/**
 * The one who can do operator work here: the owner's login where AMBIT_DATABASE_OWNER_URL is set; else the server that
 * runs on the embedded database, which only it can open; else this process, for as long as the work takes.
 */
export async function performWork<Answer extends { readonly ok: true }>(task: OperatorTask<Answer>, body: unknown, surroundings: Surroundings): Promise<Answer | Refusal> {
  const answer = await perform(task.name, body, surroundings)
  if (isRefusal(answer)) return answer
  return task.answer.safeParse(answer).data ?? NO_SUCH_WORK
}

async function perform(work: string, body: unknown, { settings: read, newId, terminal }: Surroundings): Promise<unknown> {
  const settings = read()
  if (settings.ownerUrl !== null) {
    const database = connect(settings.ownerUrl, ignore)
    return performOn(database, { handles: openHandles(database, settings.rolePrefix), newId, served: true }, { work, body })
  }
  if (settings.databaseUrl !== null) throw badSetting('Operator work on PostgreSQL needs the owner of the schema: set AMBIT_DATABASE_OWNER_URL.')
  const server = await findServer(settings.directory)
  if (server) return throughDoor(server, work, body)
  const { database, handles } = await openEmbedded(settings, terminal)
  return performOn(database, { handles, newId, served: false }, { work, body })
}

/** Closes the database after the work. */
async function performOn(database: Database, place: OperatorPlace, { work, body }: { readonly work: string; readonly body: unknown }): Promise<unknown> {
  try {
    return await operatorWork(place)(work, body)
  } finally {
    await database.close()
  }
}

async function throughDoor({ url, secret }: ServerNote, work: string, body: unknown): Promise<unknown> {
  const response = await fetch(url + OPERATOR_PATH + work, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer: unknown = await response.json()
  if (response.ok) return answer
  return refuse('conflict', problem.safeParse(answer).data?.detail ?? `The server at ${url} answered ${response.status}.`)
}

function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === 'object' && answer !== null && 'ok' in answer && answer.ok === false
}

const problem = z.object({ detail: z.string() })
const NO_SUCH_WORK = refuse('not_found', 'The server that runs is of another version: restart it.')

/** A connection that is lost while it is idle; one that is used says so itself. */
function ignore(): void {}
