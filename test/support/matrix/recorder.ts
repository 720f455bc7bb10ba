import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database, Sql } from '../../../src/lib/store/database.ts'

/** What happened behind one request: its transactions with their statements, and the prompts that a model was given. */
export interface Tape {
  readonly transactions: string[][]
  readonly prompts: string[]
}

const tapes = new AsyncLocalStorage<Tape>()

/** Does `work`, and everything that it begins, with a tape of its own. */
export async function onTape<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly tape: Tape }> {
  const tape: Tape = { transactions: [], prompts: [] }
  return { result: await tapes.run(tape, work), tape }
}

/** Null outside any request: what a server does by itself. */
export function currentTape(): Tape | null {
  return tapes.getStore() ?? null
}

/** A database that writes each statement on the tape of the request that runs it. */
export function recorded(database: Database): Database {
  return {
    transaction(preamble, work) {
      const tape = currentTape()
      if (!tape) return database.transaction(preamble, work)
      const statements = [`as ${/role "(\w+)"/.exec(preamble)?.[1] ?? 'nobody'}`]
      tape.transactions.push(statements)
      return database.transaction(preamble, (sql) => work(recordedSql(sql, statements)))
    },
    close: () => database.close(),
  }
}

/** That a key was used is written down once a minute: it depends on the clock, and on nothing that is asked for. */
const LAST_USE = /^update ambit\.api_keys set last_used_at/

function recordedSql(sql: Sql, statements: string[]): Sql {
  const note = (text: string) => {
    const statement = text.replaceAll(/\s+/g, ' ').trim()
    if (!LAST_USE.test(statement)) statements.push(statement)
  }
  return {
    query: (text, values) => {
      note(text)
      return sql.query(text, values)
    },
    script: (text) => {
      note(text)
      return sql.script(text)
    },
  }
}
