import type { Pool, PoolClient } from 'pg'
import { Unanswered } from './unavailable.ts'

/** Longer than the server lets a statement of Ambit's run. */
export const ANSWER_MS = 10_000

export interface PgTransaction {
  readonly pool: Pool
  readonly begin: string
  /** How long the server may be silent; null for ever. */
  readonly answerMs: number | null
}

/**
 * One transaction on a connection of the pool: commits what `work` answers, rolls back what it rejects and rejects with
 * the same error. A connection that could not be rolled back, or does not answer, is never used again.
 */
export async function pgTransaction<T>({ pool, begin, answerMs }: PgTransaction, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await takeClient(pool, answerMs)
  client.on('error', heardByStatement)
  let lost: Error | undefined
  try {
    await answered(client.query(begin), answerMs)
    const result = await work(client)
    const { command } = await answered(client.query('commit'), answerMs)
    // The server's whole answer to a commit after a failed statement: no error, and nothing was kept.
    if (command === 'ROLLBACK') throw new Error('A statement of this transaction failed and its error was not passed on: nothing was committed.')
    return result
  } catch (error) {
    lost = error instanceof Unanswered ? error : await rollback(client, answerMs)
    throw error
  } finally {
    if (lost instanceof Unanswered) cutOff(client)
    client.off('error', heardByStatement)
    client.release(lost)
  }
}

/** A client that sends ahead waits, before it closes, for the answers that it is owed, and these may never come. */
function cutOff(client: PoolClient): void {
  const { connection } = client as PoolClient & { readonly connection?: { readonly stream: { destroy(): void } } }
  connection?.stream.destroy()
}

/** The answer, or an Unanswered after `ms`: nothing else ends the wait on a connection whose other side is gone without a word. */
export async function answered<T>(answer: Promise<T>, ms: number | null): Promise<T> {
  if (ms === null) return answer
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unanswered(ms)), ms)
  })
  try {
    return await Promise.race([answer, silence])
  } finally {
    clearTimeout(timer)
  }
}

/** A host's pool may wait for a connection for ever. One that comes too late goes back. */
async function takeClient(pool: Pool, ms: number | null): Promise<PoolClient> {
  const taken = pool.connect()
  try {
    return await answered(taken, ms)
  } catch (error) {
    if (error instanceof Unanswered) taken.then((late) => late.release(), heardByStatement)
    throw error
  }
}

/**
 * A connection that the server ends in mid-transaction rejects the statement under way, and says it once more as an
 * event, for which the pool does not listen while the connection is out: unheard, it would end the process.
 */
function heardByStatement(): void {}

/** Answers why the connection is lost, or nothing when it may go back to the pool. */
async function rollback(client: PoolClient, answerMs: number | null): Promise<Error | undefined> {
  try {
    await answered(client.query('rollback'), answerMs)
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
