import type { SweeperSql } from './handles.ts'
import { WAKE_CHANNEL } from './hear-wakes.ts'

/**
 * Begins a new life of this node and answers its epoch: whatever an earlier life owned is an orphan at once.
 * `leaseMs` null is a lease without end, for a store that no other process can open.
 */
export async function registerNode(sql: SweeperSql, id: string, leaseMs: number | null): Promise<number> {
  const { rows } = await sql.query<{ epoch: number }>(
    `insert into ambit.nodes as n (id, epoch, expires_at) values ($1, 1, ${EXPIRY})
     on conflict (id) do update set epoch = n.epoch + 1, expires_at = excluded.expires_at
     returning epoch`,
    [id, leaseMs],
  )
  const epoch = rows[0]?.epoch
  if (epoch === undefined) throw new Error('The node was not registered.')
  // Processes come and go under new names. A run of a node that is forgotten is an orphan like any other.
  await sql.query("delete from ambit.nodes where expires_at < now() - interval '1 hour'")
  return epoch
}

/** The same for a node that lost its lease: null while another process has one under its name. */
export async function rejoinNode(sql: SweeperSql, id: string, epoch: number, leaseMs: number): Promise<number | null> {
  const { rows } = await sql.query<{ epoch: number }>(
    `insert into ambit.nodes as n (id, epoch, expires_at) values ($1, $3 + 1, ${EXPIRY})
     on conflict (id) do update set epoch = n.epoch + 1, expires_at = excluded.expires_at
     where n.epoch = $3 or n.expires_at <= now()
     returning epoch`,
    [id, leaseMs, epoch],
  )
  return rows[0]?.epoch ?? null
}

/** False: another life of this node has begun. */
export async function renewNode(sql: SweeperSql, id: string, epoch: number, leaseMs: number): Promise<boolean> {
  const { count } = await sql.query(`update ambit.nodes set expires_at = now() + make_interval(secs => $2 / 1000.0) where id = $1 and epoch = $3`, [
    id, leaseMs, epoch,
  ])
  return count === 1
}

/** Gives the lease back, so that nobody has to wait for its end. */
export async function releaseNode(sql: SweeperSql, id: string, epoch: number): Promise<void> {
  await sql.query('update ambit.nodes set expires_at = now() where id = $1 and epoch = $2', [id, epoch])
}

const EXPIRY = `coalesce(now() + make_interval(secs => $2::double precision / 1000.0), 'infinity')`

/** Wakes this node, or every node where it is ''. In a transaction of its own, which writes nothing: a commit that notifies holds up all others that do. */
export async function wakeNode(sql: SweeperSql, nodeId: string): Promise<void> {
  await sql.query('select pg_notify($1, $2)', [WAKE_CHANNEL, nodeId])
}
