import { find } from '../../../lib/db'
import { sessionOf } from '../../../lib/session'

/** A route of the app, as it was. */
export async function GET(request: Request): Promise<Response> {
  const session = await sessionOf(request.headers.get('cookie'))
  if (!session) return new Response(null, { status: 401 })
  return Response.json(await find('select id, total from orders where account = $1 order by id', session.orgId))
}
