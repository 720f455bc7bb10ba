import { expect, test, vi } from 'vitest'
import type { EmbeddedStore } from '../../src/index.ts'
import { readStream } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, messagesOf, must, post, useStage } from '../support/stage.ts'

/** A store in which something happens right after the contents of messages were read, in the middle of the reader's transaction. */
function meanwhile({ superuser }: TestDatabase, happen: () => Promise<void>): EmbeddedStore {
  return {
    open: async () => ({
      close: async () => {},
      transaction: (preamble, work) =>
        superuser.transaction(preamble, (sql) =>
          work({
            script: (text) => sql.script(text),
            async query(text, values) {
              const result = await sql.query(text, values)
              if (text.includes('from ambit.message_contents') && text.includes('any(')) await happen()
              return result as never
            },
          })),
    }),
  }
}

// The embedded database has one connection: nothing can happen in the middle of a transaction there.
const stage = useStage(must(databaseKinds.find(({ name }) => name === 'PostgreSQL')))

test('a message whose run ends while it is read is not taken for one that must not be seen', async () => {
  const { opened, open } = gate()
  let ends = async () => {}
  const model = scriptedModel([opened, ...says('Said meanwhile.')])
  const { ambit } = stage.start({ store: meanwhile(stage.database, () => ends()), model })
  const thread = freshThread()
  const response = await post(stage, ambit, { thread })
  await vi.waitFor(() => expect(model.calls).toHaveLength(1)) // it has read what it needs of the thread
  ends = async () => {
    ends = async () => {}
    open()
    await readStream(response)
  }
  const [, read] = await messagesOf(stage, ambit, { thread })
  expect(must(read).metadata.ambit).toMatchObject({ hidden: false, run: { state: 'running' } })
  const [, again] = await messagesOf(stage, ambit, { thread })
  expect(must(again)).toMatchObject({ parts: [{ type: 'step-start' }, { type: 'text', text: 'Said meanwhile.' }], metadata: { ambit: { hidden: false, run: { state: 'completed' } } } })
})
