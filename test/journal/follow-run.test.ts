import { describe, expect, test } from 'vitest'
import { FROM_THE_START, followRun } from '../../src/lib/journal/follow-run.ts'
import type { Frame } from '../../src/lib/journal/journal.ts'
import { memoryJournal } from '../../src/lib/journal/memory-journal.ts'
import { createRunWatch } from '../../src/lib/journal/run-watch.ts'
import { DEFAULT_LIMITS } from '../../src/lib/limits/limits.ts'
import { openRun } from '../../src/lib/run/open-run.ts'
import { createPen } from '../../src/lib/run/pen.ts'
import { databaseKinds } from '../support/databases.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { useStage } from '../support/stage.ts'
import { newId } from '../support/world.ts'

/** With the first frame, exactly as many rows as a reader takes from the store at a time: the owner changes between two readings. */
const COMMITS = 19

describe.each(databaseKinds)('following on $name', (kind) => {
  const stage = useStage(kind)

  test('a stored run that another owner ended is replayed whole, however many commits it has', async () => {
    const { handles, superuser } = stage.database
    const { ambit } = stage.start({ model: scriptedModel(says('x')) })
    const context = await ambit.resolveChatScope({ subject: 'bob', kind: 'person' }, { org: 'acme', project: 'apollo' })
    if (!context.ok) throw new Error(context.detail)
    await ambit.close()
    const command = { thread: newId('own'), trigger: 'submit', message: { clientId: null, text: 'Go on.' }, messageId: null, model: null } as const
    const opened = await openRun({ scoped: handles.scoped, newId, owner: { id: 'first', epoch: 1 } }, context, command)
    if (!opened.ok || !opened.begun) throw new Error('The run was not begun.')
    const { owned } = opened.begun
    const parts = { scoped: handles.scoped, sweeper: handles.sweeper, holds: () => true, journal: memoryJournal() }
    const pen = createPen(owned, { rows: context.rows, limits: DEFAULT_LIMITS }, parts)
    for (let commit = 0; commit < COMMITS; commit += 1) await pen.commit({ chunks: [{ type: 'start-step' }, { type: 'finish-step' }] })
    await superuser.transaction('', (sql) => sql.query('update ambit.runs set fence = 2 where id = $1', [owned.id]))
    const heir = createPen({ ...owned, fence: 2, lastSeq: 1 + 2 * COMMITS }, { rows: context.rows, limits: DEFAULT_LIMITS }, { ...parts, journal: memoryJournal() })
    for (let commit = 0; commit < COMMITS; commit += 1) await heir.commit({ chunks: [{ type: 'start-step' }, { type: 'finish-step' }] })
    await heir.end({ chunks: [], terminal: { type: 'finish', finishReason: 'stop' }, end: { state: 'completed', finishReason: 'stop', errorCode: null } })

    const frames: Frame[] = []
    const reader = { reader: context.rows, run: opened.run, from: { after: FROM_THE_START }, signal: new AbortController().signal }
    for await (const batch of followRun({ scoped: handles.scoped, journal: memoryJournal(), watch: createRunWatch(handles), holds: () => true, closing: new AbortController().signal }, reader)) frames.push(...batch)
    expect(frames.map((frame) => frame.seq)).toEqual(Array.from({ length: 2 + 4 * COMMITS }, (_, index) => index + 1))
    expect(new Set(frames.map((frame) => frame.fence))).toEqual(new Set([1, 2]))
    expect(frames.at(-1)?.terminal).toBe(true)
  })
})
