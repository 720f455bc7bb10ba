import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider'
import type { Page } from 'playwright-core'
import { consoleAt } from '../src/console.ts'
import { apiKeys, createAmbit, createLog, embeddedStore, firstOf, signedIn } from '../src/index.ts'
import type { Ambit } from '../src/index.ts'
import { openHandles } from '../src/lib/store/handles.ts'
import { listen } from '../src/node.ts'
import { openBrowser } from '../test/support/chromium.ts'
import { buildConsoleWhereStale } from '../build/build-console.ts'
import { plantWorld } from '../test/support/world.ts'
import { percentile } from './statistics.ts'

// `npm run bench:console`: how smoothly the console paints. A thread of 1,000 messages, an answer that streams into it at 50 tokens a second, and
// two more that stream into other chats of the same page; then the same with nothing that streams.

const TURNS = 500
const TOKENS_PER_SECOND = 50
const MEASURED_MS = 10_000
const WORDS = 'The **launch** is on Monday, `14 September`, before the first shift; see the plan [1] and what follows from it.\n\n'.split(/(?<= )/)

const usage = { inputTokens: { total: 10, noCache: undefined, cacheRead: undefined, cacheWrite: undefined }, outputTokens: { total: 5, text: undefined, reasoning: undefined } }

/** Answers at once while the thread is filled, and slowly to whoever asks for it. */
const model = {
  specificationVersion: 'v4' as const,
  provider: 'bench',
  modelId: 'paced',
  supportedUrls: {},
  doGenerate: () => Promise.reject(new Error('Ambit streams.')),
  async doStream({ prompt, abortSignal }: { prompt: unknown; abortSignal?: AbortSignal }) {
    const slow = JSON.stringify(prompt).includes('Take your time')
    return { stream: ReadableStream.from(parts(slow, abortSignal)) }
  },
}

async function* parts(slow: boolean, signal: AbortSignal | undefined): AsyncGenerator<LanguageModelV4StreamPart> {
  yield { type: 'stream-start', warnings: [] }
  yield { type: 'text-start', id: '0' }
  if (!slow) yield { type: 'text-delta', id: '0', delta: `${WORDS.join('')}- a point\n- another one\n\n\`\`\`ts\nconst answer = 42\n\`\`\`\n` }
  const goesOn = () => slow && signal?.aborted !== true
  for (let token = 0; goesOn(); token += 1) {
    yield { type: 'text-delta', id: '0', delta: WORDS[token % WORDS.length] ?? '' }
    await new Promise((resolve) => {
      setTimeout(resolve, 1_000 / TOKENS_PER_SECOND)
    })
  }
  yield { type: 'text-end', id: '0' }
  yield { type: 'finish', usage, finishReason: { unified: 'stop', raw: 'stop' } }
}

/** Frame times of the page while it does what it does, and the tasks that kept it from painting. */
const MEASURE = `(ms) => new Promise((resolve) => {
  const frames = []
  const long = []
  const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration)))
  observer.observe({ type: 'longtask' })
  const began = performance.now()
  let before = began
  const frame = (now) => {
    frames.push(now - before)
    before = now
    if (now - began < ms) return requestAnimationFrame(frame)
    observer.disconnect()
    resolve({ frames: frames.slice(1), long })
  }
  requestAnimationFrame(frame)
})`

interface Frames {
  readonly frames: readonly number[]
  readonly long: readonly number[]
}

await buildConsoleWhereStale()
const directory = mkdtempSync(join(tmpdir(), 'ambit-bench-console-'))
const database = await embeddedStore(directory).open()
const world = await plantWorld(openHandles(database))
const log = createLog({ level: 'error' })
const ambit = createAmbit({ store: { open: async () => database }, model, authenticate: firstOf(apiKeys(), signedIn()), console: consoleAt('/'), log, limits: { contextTokens: 4_000, runFrames: 1_000_000 } })
const server = await listen(ambit, { host: '127.0.0.1', port: 0 })
const address = server.address()
const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
const browser = await openBrowser()
if (!browser) throw new Error('There is no Chromium here.')
try {
  await fill(ambit, 'long')
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  await context.request.post(`${url}/v1/sign-in`, { data: { key: world.keys.bob }, headers: { origin: url } })
  const page = await context.newPage()
  const opened = performance.now()
  await page.goto(`${url}/orgs/acme/projects/apollo/chats/long`)
  await page.getByRole('article', { name: 'Answer' }).last().waitFor()
  say(`a thread of ${2 * TURNS} messages, opened by its address: ${Math.round(performance.now() - opened)} ms`)
  tell('nothing streams', await measure(page))
  for (let other = 0; other < 2; other += 1) {
    await page.getByRole('link', { name: 'New chat' }).click()
    await ask(page)
  }
  await returnTo(page, 'long')
  await ask(page)
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  tell('three answers stream into the page, one of them in view', await measure(page))
  say(`elements in the page: ${String(await page.evaluate('document.getElementsByTagName("*").length'))}`)
} finally {
  await browser.close()
  server.closeAllConnections()
  server.close()
  await ambit.close({ graceMs: 0 })
  rmSync(directory, { recursive: true, force: true })
}

/** As a person goes: within the page, which goes on reading what arrives elsewhere. */
async function returnTo(page: Page, chat: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', '/orgs/acme/projects/apollo/chats/${chat}'); dispatchEvent(new PopStateEvent('popstate'))`)
  await page.getByRole('textbox', { name: 'Message', exact: true }).waitFor()
}

async function ask(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('Take your time.')
  await page.keyboard.press('Enter')
  await page.getByRole('article', { name: 'Answer' }).last().getByText('launch').first().waitFor()
}

async function measure(page: Page): Promise<Frames> {
  return (await page.evaluate(`(${MEASURE})(${MEASURED_MS})`)) as Frames
}

function tell(what: string, { frames, long }: Frames): void {
  const fps = (1_000 * frames.length) / frames.reduce((sum, one) => sum + one, 0)
  const late = frames.filter((one) => one > 50).length
  say(`${what}: ${fps.toFixed(1)} frames a second; a frame p50 ${percentile(frames, 0.5).toFixed(1)}, p99 ${percentile(frames, 0.99).toFixed(1)}, at most ${Math.max(...frames).toFixed(0)} ms; ${late} over 50 ms; ${long.length} long tasks`)
}

async function fill({ fetch }: Ambit, thread: string): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    const response = await fetch(new Request(`${url}/v1/orgs/acme/projects/apollo/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.keys.bob}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id: thread, message: { id: `m${turn}`, role: 'user', parts: [{ type: 'text', text: `Question ${turn}?` }] } }),
    }))
    if (response.status !== 200) throw new Error(await response.text())
    await response.text()
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
