import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import type { EmbeddedStore } from '../../src/index.ts'
import { insertThread } from '../../src/lib/store/thread-rows.ts'
import { APOLLO, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { must, readRest, useStage } from '../support/stage.ts'

/** What is read of the events: at the door, where a follower begins; then what the scope has, what came meanwhile, what is new, and what of it may be seen. */
const READS = [2, 3, 4, 5]

describe.each(databaseKinds)('closing while the events of a scope are followed, on $name', (kind) => {
  const stage = useStage(kind)
  let orgId: string
  let projectId: string
  beforeAll(async () => {
    ;[orgId, projectId] = [must(stage.world.ids['acme']), must(stage.world.ids['acme/apollo'])]
    const rows = { orgId, projectIds: [projectId], userId: 'bob' }
    await stage.database.handles.scoped(rows, (sql) => insertThread(sql, { projectId, id: 'thr_own', userId: 'bob', alias: null, title: 'Own' }))
  })

  /** A store that holds one of the transactions in which events are read, by its number, and keeps what met its end. After each transaction there is something new to be told. */
  function counting(count: number): EmbeddedStore & { readonly faults: readonly string[]; readonly reached: Promise<void>; letGo(): void } {
    const faults: string[] = []
    const [{ opened: reached, open: reach }, { opened: released, open: letGo }] = [gate(), gate()]
    let [reads, underWay, closed] = [0, 0, false]
    const happens = () =>
      stage.database.superuser.transaction('', (sql) =>
        sql.query("insert into ambit.events (org_id, project_id, kind, thread_id) values ($1, $2, 'thread_changed', 'thr_own')", [orgId, projectId]))
    return {
      faults,
      reached,
      letGo,
      open: async () => ({
        async close() {
          closed = true
          if (underWay > 0) faults.push('a read was under way')
        },
        async transaction(preamble, work) {
          if (closed) faults.push('a read began later')
          underWay += 1
          let waits = false
          try {
            return await stage.database.superuser.transaction(preamble, (sql) =>
              work({
                script: (text) => sql.script(text),
                query(text, values) {
                  if (/^\s*(select|with)[^]* ambit\.events\b/.test(text)) waits ||= (reads += 1) === count
                  return sql.query(text, values)
                },
              }))
          } finally {
            await happens()
            if (waits) {
              reach()
              await released
            }
            underWay -= 1
          }
        },
      }),
    }
  }

  test('at whatever read of theirs: none meets a closed database, and the reader is cut without a warning', async () => {
    for (const read of READS) {
      const store = counting(read)
      const { ambit, lines } = stage.start({ store, model: scriptedModel(says('x')) })
      const { body } = await send(ambit, stage.world, 'bob', `${APOLLO}/events`)
      const end = readRest(must(body).getReader()).then(() => 'ended', (error: Error) => error.message)
      await store.reached
      const closing = ambit.close({ graceMs: 0 })
      await delay(50) // it has come to those who follow: one that waits for none of them is over by then
      store.letGo()
      await closing
      expect(await end).toBe('The frames ended without a terminal one.')
      expect({ read, faults: store.faults, warned: lines.filter(({ level }) => Number(level) > 30) }).toEqual({ read, faults: [], warned: [] })
    }
  })
})
