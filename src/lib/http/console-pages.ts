import type { ConsoleAsset } from './console-assets.ts'
import { readConsoleAssets } from './console-assets.ts'

/** Where the interface stands that a console speaks to. */
export interface ConsoleHome {
  /** Before every path of the interface. */
  readonly basePath: string
  /** `path`: an address names organisation and project; `host`: the host's `target()` does, and there is one place. */
  readonly places: 'path' | 'host'
  /** Whether one signs in here, with a key. */
  readonly signIn: boolean
}

/** The web console, once it knows its home: null where a request is not for it. */
export interface Console {
  readonly path: string
  answer(request: Request, home: ConsoleHome): Promise<Response | null>
}

interface ConsoleParts {
  readonly path: string
  readonly signInUrl: string | null
  readonly directory: string
}

/**
 * No script and no style that the build did not make, nothing from elsewhere, and no frame of it elsewhere: what a model or
 * a document writes into a page can start no request but to this origin, and the page makes none of what they write.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "font-src 'self'", "connect-src 'self'", "manifest-src 'self'",
  "base-uri 'self'", "form-action 'none'", "frame-ancestors 'self'", "require-trusted-types-for 'script'", "trusted-types 'none'",
].join('; ')

const SAFE = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** The names in `assets/` carry the hash of what is in them. */
const FOR_EVER = 'public, max-age=31536000, immutable'

export function createConsole({ path, signInUrl, directory }: ConsoleParts): Console {
  const root = rootOf(path)
  let reading: Promise<ReadonlyMap<string, ConsoleAsset>> | undefined
  const assets = () => {
    reading ??= readConsoleAssets(directory).catch((error: unknown) => {
      reading = undefined // it may be built by the next request
      throw error
    })
    return reading
  }

  return {
    path: root,
    async answer(request, home) {
      const name = nameOf(request, root, home)
      if (name === null) return null
      const files = await assets()
      const asset = files.get(name)
      if (name.startsWith('assets/')) return asset ? respond(request, asset, { 'cache-control': FOR_EVER }) : null
      if (asset && name !== 'index.html') return respond(request, asset, { 'cache-control': 'no-cache' })
      return respondPage(request, files.get('index.html'), { root, signInUrl, home })
    },
  }
}

/** `/`, or a path without a slash at its end. */
function rootOf(path: string): string {
  const root = `/${path.replace(/^\/+|\/+$/g, '')}`
  if (!/^\/[\w./~-]*$/.test(root)) throw new Error(`The console's path is "${path}": it takes letters, digits and . _ ~ - between slashes.`)
  return root
}

/** What the interface answers beside the scopes, and what a program asks for without wanting a page. */
const NOT_PAGES = /^(v1|health|metrics|openapi\.json|_demo|_operator)(\/|$)/

/** The file that is asked for, below the root; a page's address names none, and the page reads it itself. Null: not the console's. */
function nameOf({ method, url }: Request, root: string, { basePath }: ConsoleHome): string | null {
  if (method !== 'GET' && method !== 'HEAD') return null
  const { pathname } = new URL(url)
  const prefix = root === '/' ? '/' : `${root}/`
  if (pathname !== root && !pathname.startsWith(prefix)) return null
  if (isInterface(pathname, basePath, root)) return null
  return pathname.slice(prefix.length)
}

/** Where it has a path of its own below the console, all of that is the interface's; else what it answers beside the scopes. */
function isInterface(pathname: string, basePath: string, root: string): boolean {
  if (!pathname.startsWith(`${basePath}/`)) return false
  return isSamePath(basePath, root) ? NOT_PAGES.test(pathname.slice(basePath.length + 1)) : basePath.startsWith(root)
}

/** Both have all of it: then only the names of organisations tell pages from the interface. */
export function isSamePath(basePath: string, root: string): boolean {
  return (basePath === '' ? '/' : basePath) === root
}

interface PageParts {
  readonly root: string
  readonly signInUrl: string | null
  readonly home: ConsoleHome
}

/** The one page. What it must know of its home is data in it, not a script. */
function respondPage(request: Request, asset: ConsoleAsset | undefined, { root, signInUrl, home }: PageParts): Response {
  if (!asset) throw new Error('The built console has no index.html.')
  const facts = JSON.stringify({ root: root === '/' ? '' : root, api: home.basePath, places: home.places, signIn: home.signIn, signInUrl })
  const head = `<base href="${root === '/' ? '/' : `${root}/`}"><meta name="ambit-console" content="${escapeAttribute(facts)}">`
  const text = new TextDecoder().decode(asset.bytes).replace('<!-- home -->', () => head)
  return respond(request, { type: asset.type, bytes: new TextEncoder().encode(text), encoded: [] }, { 'cache-control': 'no-cache' })
}

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}

function respond(request: Request, asset: ConsoleAsset, headers: Readonly<Record<string, string>>): Response {
  const accepted = acceptedCodings(request)
  const encoded = asset.encoded.find(({ coding }) => accepted.has(coding))
  const { length } = encoded?.bytes ?? asset.bytes
  return new Response(request.method === 'HEAD' ? null : (encoded?.bytes ?? asset.bytes), {
    headers: {
      ...SAFE,
      ...headers,
      'content-type': asset.type,
      'content-length': String(length),
      vary: 'accept-encoding',
      ...(encoded && { 'content-encoding': encoded.coding }),
    },
  })
}

/** RFC 9110, 12.5.3, without weights: what is named is taken, unless its weight is zero. */
function acceptedCodings({ headers }: Request): ReadonlySet<string> {
  const codings = (headers.get('accept-encoding') ?? '').toLowerCase().split(',').map((one) => one.replaceAll(' ', ''))
  return new Set(codings.filter((one) => !/;q=0(\.0+)?$/.test(one)).map((one) => one.split(';')[0] ?? ''))
}
