import type { Pool, PoolClient } from 'pg'

/**
 * One transaction on a connection of the pool: commits what `work` answers, rolls back what it rejects and rejects with
 * the same error. A connection that could not be rolled back is never used again.
 */
export async function pgTransaction<T>(pool: Pool, begin: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  client.on('error', heardByStatement)
  let lost: Error | undefined
  try {
    await client.query(begin)
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    lost = await rollback(client)
    throw error
  } finally {
    client.off('error', heardByStatement)
    client.release(lost)
  }
}

/**
 * A connection that the server ends in mid-transaction rejects the statement under way, and says it once more as an
 * event, for which the pool does not listen while the connection is out: unheard, it would end the process.
 */
function heardByStatement(): void {}

/** Answers why the connection is lost, or nothing when it may go back to the pool. */
async function rollback(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
