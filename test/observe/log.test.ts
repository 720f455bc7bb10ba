import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createLog } from '../../src/index.ts'
import type { Tool } from '../../src/index.ts'
import { APOLLO, question, send } from '../support/client.ts'
import type { LogLine } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, logged, read, useStage } from '../support/stage.ts'

const CANARY = 'CNRY-content'

/** What drivers and providers hang on their errors, each with a word of somebody's in it. */
const CONTENT = {
  parameters: [CANARY],
  params: [CANARY],
  values: [CANARY],
  detail: `Failing row contains (${CANARY}).`,
  where: `unnamed portal parameter $1 = '${CANARY}'`,
  query: `select '${CANARY}'`,
  internalQuery: `select '${CANARY}'`,
  hint: CANARY,
  headers: { authorization: `Bearer ${CANARY}` },
  requestHeaders: { 'x-api-key': CANARY },
  requestBodyValues: { messages: [{ content: CANARY }] },
  responseBody: `{"error":"${CANARY}"}`,
  responseHeaders: { 'set-cookie': CANARY },
  data: { error: { param: CANARY } },
  value: CANARY,
}
const TOLD = { code: '23514', statusCode: 429, constraint: 'no_such_title' }

function loud(message: string, cause?: unknown): Error {
  return Object.assign(new TypeError(message, { cause }), CONTENT, TOLD)
}

describe('a cause in the log', () => {
  function written(cause: unknown, fields: Readonly<Record<string, unknown>> = {}): { readonly text: string; readonly line: LogLine } {
    const destination = new PassThrough()
    createLog({ level: 'info', destination }).child({ run_id: 'run_1' }).error({ cause, ...fields }, 'it failed')
    const text = String(destination.read())
    return { text, line: JSON.parse(text) as LogLine }
  }

  test('says what failed and where, and nothing that hangs on the error besides', () => {
    const { text, line } = written(loud('a check was violated'))
    expect(line).toMatchObject({ msg: 'it failed', run_id: 'run_1', cause: { type: 'TypeError', message: 'a check was violated', ...TOLD } })
    expect(Object.keys(line['cause'] as object).toSorted()).toEqual(['code', 'constraint', 'message', 'stack', 'statusCode', 'type'])
    expect((line['cause'] as { stack: string }).stack).toContain('log.test.ts')
    expect(text).not.toContain(CANARY)
  })

  test('says the same of the cause of a cause', () => {
    const { text, line } = written(loud('outer', loud('middle', loud('inner'))))
    expect(line).toMatchObject({ cause: { message: 'outer', cause: { message: 'middle', ...TOLD, cause: { message: 'inner', ...TOLD } } } })
    expect(text).not.toContain(CANARY)
  })

  test('that is its own cause is written all the same', () => {
    const error = loud('round')
    error.cause = error
    expect(written(error).text).not.toContain(CANARY)
  })

  test.each([['an object', CONTENT], ['a list', [CONTENT]], ['an error’s members', new AggregateError([loud('one')], 'many')], ['nothing', undefined], ['null', null]])('that is %s tells nothing of it', (_, cause) => {
    expect(written(cause).text).not.toContain(CANARY)
  })
})

describe.each(databaseKinds)('what the database will not take, on $name', (kind) => {
  const stage = useStage(kind)
  const script = (text: string) => stage.database.superuser.transaction('', (sql) => sql.script(text))

  beforeAll(() => script(`
    alter table ambit.threads add constraint refused_title check (title not like '%${CANARY}-title%');
    alter table ambit.message_contents add constraint refused_parts check (parts not like '%${CANARY}-parts%')`))
  afterAll(() => script('alter table ambit.threads drop constraint refused_title; alter table ambit.message_contents drop constraint refused_parts'))

  async function expectKept(response: Response, lines: readonly LogLine[], constraint: string): Promise<void> {
    expect(response.status).toBe(500)
    const body = await response.text()
    expect(JSON.parse(body)).toMatchObject({ type: 'urn:ambit:problem:internal', status: 500, request_id: response.headers.get('x-request-id') })
    expect(await logged(lines, 'request failed')).toMatchObject({
      org_slug: 'acme', project_slug: 'apollo', request_id: response.headers.get('x-request-id'), cause: { code: '23514', constraint },
    })
    for (const said of [body, ...lines.map((line) => JSON.stringify(line))]) expect(said).not.toContain(CANARY)
  }

  test('a title is neither in the answer nor in the log', async () => {
    const { ambit, lines } = stage.start({ model: scriptedModel(says('Hello.')) })
    const thread = freshThread()
    await answerTo(stage, ambit, { thread, text: 'Hello!' })
    const response = await send(ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`, { method: 'PATCH', body: { title: `${CANARY}-title` } })
    await expectKept(response, lines, 'refused_title')
    expect(await read(stage, ambit, 'bob', `${APOLLO}/threads/${thread}`)).toMatchObject({ title: 'Hello!' })
  })

  test('a message is neither in the answer nor in the log, and nothing of its turn is kept', async () => {
    const { ambit, lines } = stage.start({ model: scriptedModel(says('Hello.')) })
    const thread = freshThread()
    const response = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: question(thread, `Hello! ${CANARY}-parts`) })
    await expectKept(response, lines, 'refused_parts')
    expect((await send(ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`)).status).toBe(404)
  })

  test('what a tool’s failure holds besides its words is not in the log', async () => {
    const leaky = { name: 'search_more', description: 'Fails.', input: z.object({}), effect: 'read', run: () => Promise.reject(loud('a check was violated')) } as Tool<never>
    const model = scriptedModel(callsTools(['search_more', {}]), says('Done.'))
    const { ambit, lines } = stage.start({ model, tools: [leaky] })
    const streamed = await answerTo(stage, ambit, { thread: freshThread(), text: 'Hello!' })
    expect(model.calls).toHaveLength(2)
    expect(await logged(lines, 'a tool call failed')).toMatchObject({ tool: 'search_more', cause: { message: 'a check was violated', ...TOLD } })
    expect(streamed.text + JSON.stringify(lines)).not.toContain(CANARY)
  })
})
