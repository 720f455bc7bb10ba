import { z } from 'zod'
import type { NewId } from '../directory/new-id.ts'
import { OPERATOR_PATH } from '../http/operator-door.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { openHandles } from '../store/handles.ts'
import { connect } from '../store/open-postgres.ts'
import { openEmbedded } from './open-embedded.ts'
import type { OpenEmbedded } from './open-embedded.ts'
import { operatorWork, parseKeyMade } from './operator-work.ts'
import type { KeyMade, Perform } from './operator-work.ts'
import { findServer } from './server-file.ts'
import type { ServerNote } from './server-file.ts'
import { badSetting } from './settings.ts'
import type { Surroundings } from './command.ts'

/**
 * The one who can do operator work here: the owner's login where AMBIT_DATABASE_OWNER_URL is set; else the server that
 * runs on the embedded database, which only it can open; else this process, for as long as the work takes.
 */
export async function performWork(work: string, body: unknown, surroundings: Surroundings): Promise<KeyMade | Refusal> {
  const settings = surroundings.settings()
  if (settings.ownerUrl !== null) {
    const database = connect(settings.ownerUrl, ignore)
    return performOn({ database, handles: openHandles(database, settings.rolePrefix) }, surroundings.newId)(work, body)
  }
  if (settings.databaseUrl !== null) throw badSetting('Operator work on PostgreSQL needs the owner of the schema: set AMBIT_DATABASE_OWNER_URL.')
  const server = await findServer(settings.directory)
  if (server) return throughDoor(server)(work, body)
  return performOn(await openEmbedded(settings, surroundings.terminal), surroundings.newId)(work, body)
}

/** Closes the database after the work. */
function performOn({ database, handles }: OpenEmbedded, newId: NewId): Perform {
  return async (work, body) => {
    try {
      return (await operatorWork(handles, newId)(work, body)) ?? NO_SUCH_WORK
    } finally {
      await database.close()
    }
  }
}

function throughDoor({ url, secret }: ServerNote): Perform {
  return async (work, body) => {
    const response = await fetch(url + OPERATOR_PATH + work, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const answer: unknown = await response.json()
    if (response.ok) return parseKeyMade(answer) ?? NO_SUCH_WORK
    return refuse('conflict', problem.safeParse(answer).data?.detail ?? `The server at ${url} answered ${response.status}.`)
  }
}

const problem = z.object({ detail: z.string() })
const NO_SUCH_WORK = refuse('not_found', 'The server that runs is of another version: restart it.')

/** A connection that is lost while it is idle; one that is used says so itself. */
function ignore(): void {}
