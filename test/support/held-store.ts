import type { EmbeddedStore } from '../../src/index.ts'
import type { TestDatabase } from './databases.ts'
import { gate } from './scripted-model.ts'

/** A store in which the first transaction with such a statement, once it is committed, waits at a gate before it says so. */
export function holding({ superuser }: TestDatabase, statement: string): EmbeddedStore & { readonly held: Promise<void>; letGo(): void } {
  const [held, release] = [gate(), gate()]
  return {
    held: held.opened,
    letGo: release.open,
    open: async () => ({
      close: async () => {},
      async transaction(preamble, work) {
        let waits = false
        const result = await superuser.transaction(preamble, (sql) =>
          work({
            script: (text) => sql.script(text),
            query(text, values) {
              waits ||= text.includes(statement)
              return sql.query(text, values)
            },
          }))
        if (waits) {
          held.open()
          await release.opened
        }
        return result
      },
    }),
  }
}
