import { createAmbit, reloadable } from 'ambit'
import type { Directory, Role } from 'ambit'
import { ambitPool, find } from './db'
import { sessionOf } from './session'
import { database, tools } from './tools'

/** What the roles of the session are in Ambit, and which of the app's own rights a tool may require. */
const roles: Readonly<Record<string, { role: Role; grants: readonly string[] }>> = {
  admin: { role: 'admin', grants: ['totals'] },
  member: { role: 'member', grants: [] },
}

interface Named {
  readonly id: string
  readonly name: string
}
const place = ({ id, name }: Named) => ({ id, slug: id, name })

/** Who is in which organisation is in the session and nowhere else: nothing of it is copied. */
const directory: Directory = {
  async access({ claims }, { org }) {
    const rights = claims?.org === org ? roles[String(claims.role)] : undefined
    const [account] = rights ? await find<Named>('select id, name from accounts where id = $1', org) : []
    return rights && account ? { ...rights, org: place(account) } : null
  },
  async projects(_, org, { after = '', limit }) {
    return (await find<Named>('select id, name from shops where account = $1 and id > $2 order by id limit $3', org, after, limit)).map(place)
  },
}

export const ambit = reloadable(
  'shop',
  createAmbit({
    store: ambitPool,
    model: 'offline',
    basePath: '/api/ambit',
    database,
    directory,
    tools,
    async authenticate(request) {
      const session = await sessionOf(request.headers.get('cookie'))
      return session && { subject: session.userId, kind: 'person', claims: { org: session.orgId, role: session.orgRole } }
    },
    // The active organisation of the session, and not the path, says where: POST /api/ambit/chat.
    target: async (_, { claims }) => (typeof claims?.org === 'string' ? { org: claims.org } : null),
  }),
)
