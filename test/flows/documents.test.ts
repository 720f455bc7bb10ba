import { describe, expect, test } from 'vitest'
import { ACME, APOLLO, ZEPHYR, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, messagesOf, must, read, runIdOf, runOf, toolResults, useStage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

interface Listed {
  readonly id: string
  readonly project: string | null
  readonly title: string
  readonly media_type: string
  readonly opening: string
  readonly chars: number
  readonly updated_at: string
  readonly snippet?: string
}
type Whole = Omit<Listed, 'opening' | 'snippet'> & { readonly body: string }
interface Page {
  readonly documents: readonly Listed[]
  readonly next: string | null
}

const GLOBEX = '/v1/orgs/globex'
const words = (n: number) => Array.from({ length: n }, (_, index) => `w${index.toString(36)}ation`).join(' ')

describe.each(databaseKinds)('documents on $name', (kind) => {
  const stage = useStage(kind)

  function begin(model = scriptedModel(says('Said.'))) {
    const { ambit } = stage.start({ model })
    const call = (who: PersonName, path: string, method?: 'POST' | 'PATCH' | 'DELETE', body?: unknown) =>
      send(ambit, stage.world, who, path, { ...(method && { method }), ...(body !== undefined && { body }) })
    const made = async (who: PersonName, path: string, body: object): Promise<Whole> => {
      const response = await call(who, `${path}/documents`, 'POST', body)
      expect(response.status).toBe(201)
      return (await response.json()) as Whole
    }
    const list = (who: PersonName, path: string, query = '') => read<Page>(stage, ambit, who, `${path}/documents${query}`)
    const search = async (who: PersonName, path: string, query: string) => (await list(who, path, `?query=${encodeURIComponent(query)}`)).documents
    return { ambit, call, made, list, search }
  }

  test('are made, read, listed, found, changed and deleted', async () => {
    const { call, made, list, search } = begin()
    const document = await made('bob', APOLLO, { title: ' Launch \n checklist ', body: 'Check the valves twice.' })
    expect(document).toEqual({
      id: expect.stringMatching(/^doc_[0-9a-f]{32}$/) as string, project: 'apollo', title: 'Launch checklist', media_type: 'text/markdown',
      body: 'Check the valves twice.', chars: 23, updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z$/) as string,
    })
    const { body, ...listed } = document
    expect((await list('dave', APOLLO)).documents[0]).toEqual({ ...listed, opening: body })
    expect(await search('dave', APOLLO, 'valve')).toEqual([{ ...listed, opening: body, snippet: 'Check the valves twice' }])
    const path = `${APOLLO}/documents/${document.id}`
    expect(await (await call('dave', path)).json()).toEqual(document)

    const changed = await call('bob', path, 'PATCH', { body: 'Check the pumps twice.', media_type: 'text/plain', base: document.updated_at })
    const now = (await changed.json()) as Whole
    expect([changed.status, now]).toEqual([200, { ...document, body: 'Check the pumps twice.', chars: 22, media_type: 'text/plain', updated_at: now.updated_at }])
    expect(now.updated_at > document.updated_at).toBe(true)
    expect(await search('bob', APOLLO, 'valve')).toEqual([])
    expect((await search('bob', APOLLO, 'pump')).map(({ id }) => id)).toEqual([document.id])
    expect((await call('bob', path, 'PATCH', { title: 'Gasket list' })).status).toBe(200)
    expect((await search('bob', APOLLO, 'gasket pump')).map(({ id }) => id)).toEqual([document.id])

    expect((await call('bob', path, 'DELETE')).status).toBe(204)
    expect((await call('bob', path)).status).toBe(404)
    expect((await call('bob', path, 'DELETE')).status).toBe(404)
    expect((await call('bob', path, 'PATCH', { title: 'Again' })).status).toBe(404)
    expect(await search('bob', APOLLO, 'gasket')).toEqual([])
  })

  test('are changed only as they were read: whoever comes second is told so', async () => {
    const { call, made } = begin()
    const { id, updated_at: base } = await made('bob', APOLLO, { title: 'Plan', body: 'One.' })
    const change = (body: string) => call('bob', `${APOLLO}/documents/${id}`, 'PATCH', { body, base })
    const answers = await Promise.all([change('Two.'), change('Three.')])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    expect(await must(answers.find(({ status }) => status === 409)).json()).toMatchObject({ code: 'conflict' })
    expect((await change('Four.')).status).toBe(409)
    expect((await call('bob', `${APOLLO}/documents/${id}`, 'PATCH', { body: 'Five.' })).status).toBe(200)
  })

  test('in the organisation are its own and those of the projects that one sees, and only its own are written there', async () => {
    const { call, made, list, search } = begin()
    const own = await made('bob', ACME, { title: 'House rules', body: 'Everybody reads the quokka rules.' })
    const ofApollo = await made('bob', APOLLO, { title: 'Apollo rules', body: 'Everybody reads the quokka rules.' })
    const ofZephyr = await made('ada', ZEPHYR, { title: 'Zephyr rules', body: 'Everybody reads the quokka rules.' })
    const ofGlobex = await made('gus', GLOBEX, { title: 'Globex rules', body: 'Everybody reads the quokka rules.' })
    expect([own.project, ofApollo.project]).toEqual([null, 'apollo'])
    const seen = async (who: PersonName, path: string) => [
      new Set((await list(who, path)).documents.flatMap(({ title, project }) => (title.endsWith(' rules') ? [`${title} ${project}`] : []))),
      new Set((await search(who, path, 'quokka')).map(({ title, project }) => `${title} ${project}`)),
    ]
    const each = (...titles: string[]) => [new Set(titles), new Set(titles)]
    expect(await seen('bob', ACME)).toEqual(each('House rules null', 'Apollo rules apollo'))
    expect(await seen('ada', ACME)).toEqual(each('House rules null', 'Apollo rules apollo', 'Zephyr rules zephyr'))
    expect(await seen('bob', APOLLO)).toEqual(each('Apollo rules apollo'))
    expect(await seen('gus', GLOBEX)).toEqual(each('Globex rules null'))

    for (const method of ['PATCH', 'DELETE'] as const) {
      const at = (who: PersonName, path: string, id: string) => call(who, `${path}/documents/${id}`, method, method === 'PATCH' ? { title: 'Mine' } : undefined)
      const elsewhere = await at('bob', ACME, ofApollo.id)
      expect([elsewhere.status, await elsewhere.json()]).toMatchObject([403, { code: 'forbidden', detail: expect.stringContaining('"apollo"') as string }])
      for (const [path, id] of [[ACME, ofZephyr.id], [ACME, ofGlobex.id], [APOLLO, own.id], [APOLLO, ofZephyr.id], [ACME, 'doc_none'], [ACME, '%00']] as const) {
        expect([method, path, id, (await at('bob', path, id)).status]).toEqual([method, path, id, 404])
      }
    }
    expect((await call('dave', `${APOLLO}/documents`, 'POST', { title: 'No', body: '' })).status).toBe(403)
    expect((await call('bob', `${ACME}/documents/${own.id}`, 'DELETE')).status).toBe(204)
    expect(await (await call('bob', `${ACME}/documents/${ofApollo.id}`)).json()).toMatchObject({ title: 'Apollo rules' })
  })

  test('are listed page by page, each once, also where two projects have one of the same id and time', async () => {
    const { list } = begin()
    const [apollo, zephyr] = [must(stage.world.ids['acme/apollo']), must(stage.world.ids['acme/zephyr'])]
    await stage.database.superuser.transaction('', (sql) =>
      sql.query(
        `insert into ambit.documents (org_id, project_id, id, title, body, updated_at)
         select $1, place, 'doc_same', 'Same', '', '2026-03-14T09:26:53Z' from unnest($2::text[]) as place`,
        [must(stage.world.ids['acme']), ['*', apollo, zephyr]],
      ))
    const pages: Listed[] = []
    let query = '?limit=1'
    for (let next: string | null = ''; next !== null; query = `?limit=1&after=${next}`) {
      const page: Page = await list('ada', ACME, query)
      pages.push(...page.documents)
      next = page.next
    }
    const all = (await list('ada', ACME, '?limit=200')).documents
    expect(pages).toEqual(all)
    expect(all.filter(({ id }) => id === 'doc_same').map(({ project }) => project).sort()).toEqual([null, 'apollo', 'zephyr'].sort())
    expect(all.map(({ updated_at: at }) => at)).toEqual(all.map(({ updated_at: at }) => at).toSorted().toReversed())
    // By its id alone it is the address's own, wherever there are others.
    for (const [path, project] of [[ACME, null], [APOLLO, 'apollo'], [ZEPHYR, 'zephyr']] as const) {
      const found = await read<Whole>(stage, begin().ambit, 'ada', `${path}/documents/doc_same`)
      expect([path, found.project]).toEqual([path, project])
    }
  })

  test('may be long: all of it is searched, and a snippet comes from where the word stands', async () => {
    const { made, search } = begin()
    // PostgreSQL makes no tsvector of a text with so many words, and more than 40,000 of a document are not kept.
    const filler = words(100_000).slice(0, 999_900)
    const { id, chars } = await made('bob', APOLLO, { title: 'Long', body: `${filler} the numbat sleeps here` })
    expect(chars).toBeGreaterThan(999_000)
    const [found] = await search('bob', APOLLO, 'numbats')
    expect([must(found).id, must(found).snippet]).toEqual([id, expect.stringContaining('numbat sleeps')])
    expect(must(found).opening.length).toBeLessThan(400)
  })

  test('have bounds', async () => {
    const { call } = begin()
    const post = async (body: object) => {
      const response = await call('bob', `${APOLLO}/documents`, 'POST', body)
      return [response.status, ((await response.json()) as { pointer?: string; limit?: number }).pointer]
    }
    const title = 'Title'
    for (const [body, pointer] of [
      [{ title, body: 'x'.repeat(1_000_001) }, '/body'], [{ title, body: 'a\0b' }, '/body'], [{ title }, '/body'], [{ title: 'x'.repeat(201), body: '' }, '/title'],
      [{ title: ' \n', body: '' }, '/title'], [{ title: '\0', body: '' }, '/title'], [{ title, body: '', media_type: 'text/html' }, '/media_type'], [{ title: 5, body: '' }, '/title'],
    ] as const) expect([pointer, await post(body)]).toEqual([pointer, [400, pointer]])
    expect(await post({ title, body: '€'.repeat(700_000) })).toEqual([413, undefined])
    expect(await post({ title: 'x'.repeat(200), body: '', media_type: 'text/plain', id: 'mine' })).toEqual([201, undefined])
    for (const change of [{}, { base: '2026-03-14T09:26:53.589793Z' }, { title, base: 'then' }, { title, base: '2026-02-30T00:00:00.000000Z' }]) {
      expect([change, (await call('bob', `${APOLLO}/documents/doc_none`, 'PATCH', change)).status]).toEqual([change, 400])
    }
    for (const query of ['?query=', '?query=%20', `?query=${'x'.repeat(1_001)}`, '?limit=0', '?limit=201', '?after=x', `?after=${Buffer.from('2026-03-14T09:26:53.589793Z doc_1').toString('base64url')}`]) {
      expect([query, (await call('bob', `${APOLLO}/documents${query}`)).status]).toEqual([query, 400])
    }
    for (const query of ['?query=the', '?query=%00', `?query=${'x'.repeat(1_000)}`]) {
      const response = await call('bob', `${APOLLO}/documents${query}`)
      expect([query, response.status]).toEqual([query, query === '?query=%00' ? 400 : 200])
    }
  })

  test('a search answers what the tool finds, in its order, and so many', async () => {
    const model = scriptedModel(callsTools(['search_documents', { query: 'potoroo habits', limit: 20 }]), says('Found.'))
    const { ambit, made, search, list } = begin(model)
    for (let n = 0; n < 22; n += 1) await made('bob', ZEPHYR.replace('zephyr', 'apollo'), { title: `Note ${n}`, body: `A potoroo. ${n % 2 === 0 ? 'Its habits. '.repeat(n) : ''}` })
    await answerTo(stage, ambit, { thread: freshThread() })
    const [result] = toolResults(model.calls[1])
    const told = (must(result).output as unknown as { value: { results: { id: string; snippet: string }[] } }).value.results
    const found = await search('bob', APOLLO, 'potoroo habits')
    expect(found).toHaveLength(20)
    expect(found.map(({ id, snippet }) => [id, snippet])).toEqual(told.map(({ id, snippet }) => [id, snippet]))
    expect((await list('bob', APOLLO, '?query=potoroo&limit=3')).documents).toHaveLength(3)
    expect((await list('bob', APOLLO, '?query=potoroo&limit=3')).next).toBeNull()
  })

  test('one that was told and is deleted later is still in the history and the manifest', async () => {
    const model = scriptedModel(callsTools(['search_documents', { query: 'bilby burrow' }]), says('In the burrow [1].'), says('As I said [1].'))
    const { ambit, call, made } = begin(model)
    const { id } = await made('bob', APOLLO, { title: 'Bilby', body: 'The bilby lives in a burrow.' })
    const thread = freshThread()
    const first = await answerTo(stage, ambit, { thread, text: 'Where?' })
    expect((await call('bob', `${APOLLO}/documents/${id}`, 'DELETE')).status).toBe(204)
    const cited = { type: 'source-document', sourceId: id, title: 'Bilby' }
    expect(must((await messagesOf(stage, ambit, { thread })).at(-1)).parts).toContainEqual(expect.objectContaining(cited))
    expect(must((await runOf(stage, ambit, runIdOf(first))).manifest).entries.map(({ source }) => source)).toContain('documents')
    const again = await answerTo(stage, ambit, { thread, text: 'Sure?' })
    expect(again.chunks).toContainEqual(expect.objectContaining(cited))
  })
})
