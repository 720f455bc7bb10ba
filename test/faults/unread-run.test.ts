import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { APOLLO, parseStream, readStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { leaveBehind, rowsOf, textChunks } from '../support/left-behind.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, logged, messagesOf, must, runOf, useStage } from '../support/stage.ts'

// A run that nobody can drive must still end: its thread would answer 409 for ever, and each node claim it again and again.

describe.each(databaseKinds)('a run that its heir cannot go on with, on $name', (kind) => {
  const stage = useStage(kind)
  const change = (statement: string, values: readonly unknown[] = []) =>
    stage.database.superuser.transaction('commit', (sql) => sql.query(statement, [...values]))

  function heir() {
    const model = scriptedModel(says('Now.'))
    return { ...stage.start({ model }), model }
  }

  /** How its frozen context, or its record, came to be nothing that this version can read. */
  const faults = {
    context: `update ambit.runs set context = '{"rows":{"orgId":"x","projectIds":[],"userId":"x"}}' where id = $1`,
    record: `update ambit.frames set text = 'garbage' where run_id = $1`,
  }

  test('it ends without content, also for a reader who had some of it, and its thread goes on', async () => {
    const lost = await leaveBehind(stage, {
      async live(pen) {
        pen.say({ type: 'start-step' })
        for (const chunk of textChunks('1.1', 'Lost.').slice(0, 2)) pen.say(chunk)
      },
    })
    const broken = [lost, await leaveBehind(stage)]
    for (const [index, fault] of Object.values(faults).entries()) await change(fault, [must(broken[index]).owned.id])
    const { ambit, lines, model } = heir()
    await ambit.start()
    const reader = await send(ambit, stage.world, 'bob', `${APOLLO}/runs/${lost.owned.id}/events`, { headers: { 'last-event-id': `${lost.owned.id}.1.3` } })
    expect(parseStream(await reader.text()).chunks.map(({ type }) => type)).toEqual(['reset-step', 'message-metadata', 'finish-step', 'error'])
    expectSound(await readStream(await send(ambit, stage.world, 'bob', `${APOLLO}/runs/${lost.owned.id}/events`)))
    for (const { owned, thread } of broken) {
      await vi.waitFor(async () => expect(await runOf(stage, ambit, owned.id)).toMatchObject({ state: 'failed', error_code: 'internal' }), { timeout: 20_000 })
      expect(must((await rowsOf(stage, 'frames', owned.id)).at(-1))['text']).toContain('"type":"error"')
      expect(must((await messagesOf(stage, ambit, { thread }))[1]).parts).toEqual([{ type: 'step-start' }])
    }
    // What can be told of it is told.
    expect(await runOf(stage, ambit, lost.owned.id)).toMatchObject({ author_id: 'bob', scope: null, claims: expect.arrayContaining([expect.objectContaining({ reason: 'takeover' })]) as unknown })
    await logged(lines, 'the run failed')
    expect(model.calls).toHaveLength(0)
    for (const { thread } of broken) expect(said((await answerTo(stage, ambit, { thread, text: 'And now?' })).chunks)).toBe('Now.')
  }, 30_000)

  test('that somebody stops is stopped at once', async () => {
    const left = await leaveBehind(stage)
    await change(faults.context, [left.owned.id])
    await change(`insert into ambit.nodes (id, epoch, expires_at) values ('dead', 1, now() + interval '1 hour') on conflict (id) do update set expires_at = excluded.expires_at`)
    const { ambit } = heir()
    await ambit.start()
    await change(`delete from ambit.nodes where id = 'dead'`)
    const stop = await send(ambit, stage.world, 'bob', `${APOLLO}/chat/${left.thread}/stop`, { body: {} })
    expect([stop.status, await stop.json()]).toEqual([200, expect.objectContaining({ run: left.owned.id, state: 'stopped' })])
  })

  test('whose answer the database refuses, each time: it ends without it', async () => {
    await change(`alter table ambit.message_contents add constraint refused check (parts not like '%Unwelcome%') not valid`)
    onTestFinished(() => void change('alter table ambit.message_contents drop constraint refused'))
    const model = scriptedModel(says('Unwelcome.'), says('Now.'))
    const { ambit, lines } = stage.start({ model })
    const answer = await answerTo(stage, ambit, { thread: `refused_${kind.name}` })
    expect(answer.chunks.map(({ type }) => type)).toContain('reset-step')
    expect(answer.chunks.at(-1)).toMatchObject({ type: 'error' })
    await logged(lines, 'the end of the run could not be committed: it will be ended without its answer')
    expect(model.calls).toHaveLength(1)
    expect(said((await answerTo(stage, ambit, { thread: `refused_${kind.name}`, text: 'And now?' })).chunks)).toBe('Now.')
  }, 30_000)
})
