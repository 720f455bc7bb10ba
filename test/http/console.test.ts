import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAmbit, createLog, offlineModel } from '../../src/index.ts'
import { createConsole } from '../../src/lib/http/console-pages.ts'
import type { AmbitOptions } from '../../src/index.ts'

const SCRIPT = 'export const answer = 42\n'.repeat(50)
const PAGE = '<!doctype html><html><head><!-- home --></head><body></body></html>'

const DECODERS = { br: brotliDecompressSync, gzip: gunzipSync, identity: (bytes: Uint8Array) => Buffer.from(bytes) }

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ambit-console-'))
  await mkdir(join(directory, 'assets'))
  await writeFile(join(directory, 'index.html'), PAGE)
  await writeFile(join(directory, 'icon.svg'), '<svg/>')
  await writeFile(join(directory, 'assets/main-abc123.js'), SCRIPT)
  await writeFile(join(directory, 'assets/main-abc123.js.gz'), gzipSync(SCRIPT))
  await writeFile(join(directory, 'assets/main-abc123.js.br'), brotliCompressSync(SCRIPT))
  await writeFile(join(directory, 'built-from'), 'not for anybody')
})
afterAll(() => rm(directory, { recursive: true }))

/** An Ambit that never opens its store: pages need none. */
function mounted(path: string, options: Partial<AmbitOptions> = {}, from = directory) {
  const store = { open: () => Promise.reject(new Error('The store was opened.')) }
  const log = createLog({ level: 'silent' })
  const ambit = createAmbit({ store, model: offlineModel(), authenticate: async () => null, log, console: createConsole({ path, signInUrl: null, directory: from }), ...options })
  return (url: string, init?: RequestInit) => ambit.fetch(new Request(`http://ambit.test${url}`, init))
}

/** What the page is told of its home. */
async function homeOf(response: Response): Promise<unknown> {
  const [, content = ''] = /<meta name="ambit-console" content="([^"]*)">/.exec(await response.text()) ?? []
  return JSON.parse(content.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&'))
}

describe('the page', () => {
  test.for(['/', '/orgs/acme/projects/apollo/chats/c1?run=run_1', '/orgs/acme', '/anything/else'])('is served at %s', async (url) => {
    const response = await mounted('/')(url)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(await response.text()).toContain('<base href="/">')
  })

  test('runs no script but its own, asks nobody else, and is framed by nobody else', async () => {
    const policy = (await mounted('/')('/')).headers.get('content-security-policy') ?? ''
    const directives = new Map(policy.split('; ').map((one) => [one.split(' ')[0], one.split(' ').slice(1).join(' ')]))
    expect(Object.fromEntries(directives)).toMatchObject({
      'default-src': "'none'", 'script-src': "'self'", 'style-src': "'self'", 'img-src': "'self'", 'connect-src': "'self'",
      'frame-ancestors': "'self'", 'base-uri': "'self'", 'form-action': "'none'", 'require-trusted-types-for': "'script'",
    })
    expect(policy).not.toContain('unsafe')
  })

  test('knows its home: under its own path, over an interface below another one', async () => {
    const response = await mounted('/tools/assistant/', { basePath: '/api/ambit' })('/tools/assistant/orgs/acme')
    const page = response.clone()
    expect(await page.text()).toContain('<base href="/tools/assistant/">')
    expect(await homeOf(response)).toMatchObject({ root: '/tools/assistant', api: '/api/ambit', places: 'path', signInUrl: null })
  })

  test('knows where a host names the place', async () => {
    expect(await homeOf(await mounted('/app', { target: async () => null })('/app'))).toMatchObject({ places: 'host' })
  })

  test('cannot be broken by what it is told', async () => {
    const page = createConsole({ path: '/', signInUrl: '/in?a="><script>alert(1)</script>&amp;', directory })
    const response = await page.answer(new Request('http://ambit.test/'), { basePath: '', places: 'path', signIn: false })
    const text = await response?.clone().text()
    expect(text).not.toContain('<script>')
    expect(await homeOf(response ?? new Response())).toMatchObject({ signInUrl: '/in?a="><script>alert(1)</script>&amp;' })
  })
})

describe('the files', () => {
  test.for([['br, gzip', 'br'], ['gzip', 'gzip'], ['gzip;q=1.0, br;q=0', 'gzip'], ['', null], ['identity', null]] as const)('to a client that accepts "%s" are encoded as %s', async ([accepted, coding]) => {
    const response = await mounted('/')('/assets/main-abc123.js', { headers: { 'accept-encoding': accepted } })
    expect(response.headers.get('content-encoding')).toBe(coding)
    expect(response.headers.get('vary')).toBe('accept-encoding')
    const bytes = new Uint8Array(await response.arrayBuffer())
    expect(response.headers.get('content-length')).toBe(String(bytes.length))
    expect(DECODERS[coding ?? 'identity'](bytes).toString()).toBe(SCRIPT)
  })

  test('with a hash in their names are kept for ever, others are asked for again', async () => {
    const get = mounted('/')
    expect((await get('/assets/main-abc123.js')).headers.get('cache-control')).toContain('immutable')
    expect((await get('/icon.svg')).headers.get('cache-control')).toBe('no-cache')
    expect((await get('/icon.svg')).headers.get('content-type')).toBe('image/svg+xml')
  })

  test('of an older build are not there, and no page stands in for them', async () => {
    expect((await mounted('/')('/assets/main-old.js')).status).toBe(404)
  })

  test.for(['/built-from', '/..%2f..%2fpackage.json', '/assets/../built-from', '/assets/%2e%2e/built-from'])('are those of the build: %s is none', async (url) => {
    expect(await (await mounted('/')(url)).text()).not.toContain('not for anybody')
  })

  test('are asked for by HEAD without a body', async () => {
    const response = await mounted('/')('/assets/main-abc123.js', { method: 'HEAD' })
    expect(response.headers.get('content-length')).toBe(String(SCRIPT.length))
    expect(await response.text()).toBe('')
  })
})

describe('the interface', () => {
  test.for(['/v1/nothing', '/health/nothing', '/openapi.json/x', '/_operator/x'])('keeps its own addresses: %s', async (url) => {
    const response = await mounted('/')(url)
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
  })

  test('gets what is no question for a page', async () => {
    expect((await mounted('/')('/orgs/acme', { method: 'POST' })).status).toBe(404)
  })

  test('stands below the console, where a host mounts it so', async () => {
    const get = mounted('/app', { basePath: '/app/api' })
    expect((await get('/app/api/openapi.json')).headers.get('content-type')).toBe('application/json')
    expect((await get('/app/orgs/acme')).headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect((await get('/elsewhere')).status).toBe(404)
  })

  test.for(['/', '/app'])('has all below its own path where a host names the place, with a console at %s', async (path) => {
    const get = mounted(path, { basePath: '/app/api', target: async () => null })
    for (const route of ['scope', 'threads', 'documents', 'chat']) expect((await get(`/app/api/${route}`)).headers.get('content-type')).toBe('application/problem+json')
    expect((await get('/app/documents')).headers.get('content-type')).toBe('text/html; charset=utf-8')
  })

  test.for([['/', ''], ['/app', '/app']] as const)('and a console at "%s" cannot share their path where a host names the place', ([path, basePath]) => {
    expect(() => mounted(path, { basePath, target: async () => null })).toThrow('cannot share its path')
  })
})

test('a console that is not built is told to the log, and costs the interface nothing', async () => {
  const get = mounted('/', {}, join(directory, 'absent'))
  expect((await get('/')).status).toBe(500)
  expect((await get('/openapi.json')).status).toBe(200)
})

test.for(['/a b', '/a?b', '/a"b'])('%s is no path for a console', (path) => {
  expect(() => createConsole({ path, signInUrl: null, directory })).toThrow("The console's path is")
})
