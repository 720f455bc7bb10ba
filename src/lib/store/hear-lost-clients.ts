/** A pool of the kind of `pg`'s, as far as it is needed here: Neon's and others follow it. */
export interface ClientPool {
  readonly totalCount: number
  on(event: 'acquire', listener: (client: Client) => void): unknown
}

interface Client {
  on(event: 'error', listener: () => void): unknown
}

const heard = new WeakSet<object>()

/**
 * A connection that the server ends in mid-transaction rejects the statement under way, and says it once more as an
 * event, for which neither the pool nor an ORM listens while the connection is out: unheard, it would end the process.
 */
export function hearLostClients(pool: ClientPool): void {
  hearOnce(pool, () => pool.on('acquire', (client) => hearOnce(client, () => client.on('error', heardByStatement))))
}

function hearOnce(one: object, listen: () => unknown): void {
  if (heard.has(one)) return
  heard.add(one)
  listen()
}

function heardByStatement(): void {}
