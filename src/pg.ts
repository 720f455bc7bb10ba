import type { Pool, PoolClient } from 'pg'
import type { ScopedDatabase } from './lib/store/host-scope.ts'

/** A host's tables through `pg`: a tool's `db` is a client inside a transaction. */
export function pgDatabase(pool: Pool): ScopedDatabase<PoolClient> {
  return {
    async transaction(work) {
      const client = await pool.connect()
      let lost = true
      try {
        await client.query('begin')
        const result = await work(client)
        await client.query('commit')
        lost = false
        return result
      } catch (error) {
        await client.query('rollback')
        lost = false
        throw error
      } finally {
        client.release(lost)
      }
    },
    execute: async (client, text, values) => (await client.query(text, [...values])).rowCount ?? 0,
  }
}
