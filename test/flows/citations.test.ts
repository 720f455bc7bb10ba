import { beforeAll, describe, expect, test } from 'vitest'
import { putDocument } from '../../src/lib/store/document-rows.ts'
import type { Streamed } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, messagesOf, must, toolResults, useStage } from '../support/stage.ts'
import { newId } from '../support/world.ts'

interface Found {
  readonly source: number
  readonly id: string
  readonly title: string
}

const LAUNCH = ['search_documents', { query: 'launch lead September' }] as const
const RISKS = ['search_documents', { query: 'compressor risk register' }] as const
const BOTH = ['search_documents', { query: 'launch compressor' }] as const

describe.each(databaseKinds)('the numbers of sources, on $name', (kind) => {
  const stage = useStage(kind)

  beforeAll(async () => {
    const projectId = must(stage.world.ids['acme/apollo'])
    await stage.database.handles.scoped(stage.world.rows('acme'), (sql) =>
      putDocument(sql, { projectId, id: newId('doc'), title: 'Risk register', body: 'The compressor may be late.', mediaType: 'text/markdown' }))
  })

  /** What the tools of an answer found, with the numbers to cite it by. */
  function foundIn({ chunks }: Streamed): Found[] {
    return chunks.flatMap((chunk) => (chunk.type === 'tool-output-available' ? (chunk.output as { results: Found[] }).results : []))
  }

  function citedIn({ chunks }: Streamed) {
    return chunks.flatMap((chunk) => (chunk.type === 'source-document' ? [{ id: chunk.sourceId, title: chunk.title, number: chunk.providerMetadata?.['ambit']?.['number'] }] : []))
  }

  function starts(model: ReturnType<typeof scriptedModel>) {
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    return {
      ambit,
      thread,
      async ask(text: string): Promise<Streamed> {
        const streamed = await answerTo(stage, ambit, { thread, text })
        expectSound(streamed)
        return streamed
      },
    }
  }

  test('go on from turn to turn: what was found keeps its number, a new one gets the next', async () => {
    const model = scriptedModel(
      callsTools(LAUNCH), says('On 14 September [1].'),
      callsTools(RISKS), says('It may be late [2].'),
      callsTools(BOTH), says('Both [2][1].'),
    )
    const { ask } = starts(model)
    const first = await ask('When?')
    const [launch, ...others] = foundIn(first)
    expect(others).toEqual([])
    expect(launch).toMatchObject({ source: 1, title: 'Launch plan' })
    expect(citedIn(first)).toEqual([{ id: must(launch).id, title: 'Launch plan', number: 1 }])

    const second = await ask('What may go wrong?')
    const risks = must(foundIn(second)[0])
    expect(foundIn(second)).toEqual([expect.objectContaining({ source: 2, title: 'Risk register' })])
    expect(citedIn(second)).toEqual([{ id: risks.id, title: 'Risk register', number: 2 }])

    const third = await ask('And both?')
    expect(Object.fromEntries(foundIn(third).map(({ source, title }) => [title, source]))).toEqual({ 'Launch plan': 1, 'Risk register': 2 })
    expect(citedIn(third)).toEqual([{ id: risks.id, title: 'Risk register', number: 2 }, { id: must(launch).id, title: 'Launch plan', number: 1 }])
    // The model's history carries the numbers that it now goes by.
    const told = toolResults(model.calls[5]).map((result) => (result.output as unknown as { value: { results: Found[] } }).value.results.map(({ source, title }) => [title, source]))
    expect(told.slice(0, 2)).toEqual([[['Launch plan', 1]], [['Risk register', 2]]])
  })

  test('of an earlier turn can be cited without a tool; a number that nobody has names nothing', async () => {
    const { ambit, thread, ask } = starts(scriptedModel(callsTools(LAUNCH), says('On 14 September.'), says('As I said [1][99], on 14 September [1] [0].')))
    const [launch] = foundIn(await ask('When?'))
    const again = await ask('Sure?')
    expect(foundIn(again)).toEqual([])
    expect(citedIn(again)).toEqual([{ id: must(launch).id, title: 'Launch plan', number: 1 }])
    const stored = must((await messagesOf(stage, ambit, { thread })).at(-1)).parts.filter((part) => part['type'] === 'source-document')
    expect(stored).toMatchObject([{ sourceId: must(launch).id, title: 'Launch plan' }])
  })

  test('begin at 1 in another thread: nothing is carried over', async () => {
    const model = scriptedModel(callsTools(LAUNCH), says('Found [1].'), says('Nothing [1].'), callsTools(RISKS), says('Found [1].'))
    const one = starts(model)
    await one.ask('When?')
    const ask = async (thread: string, text: string) => answerTo(stage, one.ambit, { thread, text })
    const other = freshThread()
    expect(citedIn(await ask(other, 'Hello!'))).toEqual([])
    expect(citedIn(await ask(other, 'Risks?'))).toEqual([expect.objectContaining({ title: 'Risk register', number: 1 })])
  })
})
