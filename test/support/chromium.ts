import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/chromium')

/** Reaches this machine by a name to which browsers grant no more than to any page over plain http. */
export const PLAIN_HOST = 'ambit.test'

/**
 * A real Chromium: the one that a package brings, on Linux; elsewhere the one that is installed. Null where there is none. Its profile, its fonts
 * and what it unpacks lie in a folder of this checkout: another user's leftovers in the shared one would stop it.
 */
export async function openBrowser(): Promise<Browser | null> {
  const executablePath = process.platform === 'linux' && process.arch === 'x64' ? await unpack() : installed()
  if (executablePath === null) return null
  return chromium.launch({
    executablePath,
    // Not the arguments that the package recommends: they switch off the walls between origins, which are tested here.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', '--font-render-hinting=none', `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`],
    env: { ...process.env, TMPDIR: CACHE, HOME: CACHE, FONTCONFIG_FILE: join(CACHE, 'fonts.conf') } as Record<string, string>,
  })
}

async function unpack(): Promise<string> {
  mkdirSync(CACHE, { recursive: true })
  const before = { TMPDIR: process.env['TMPDIR'], AWS_EXECUTION_ENV: process.env['AWS_EXECUTION_ENV'] }
  // Read when the module is loaded; the second one makes it unpack the libraries that a bare Debian lacks.
  Object.assign(process.env, { TMPDIR: CACHE, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' })
  try {
    const { default: packed } = await import('@sparticuz/chromium')
    const executable = await packed.executablePath()
    writeFonts()
    return executable
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}

/** The package's own names one folder that is not here: without fonts Chromium ends at the first letter. */
function writeFonts(): void {
  const folders = [join(CACHE, 'fonts'), '/usr/share/fonts'].filter((folder) => existsSync(folder))
  writeFileSync(join(CACHE, 'fonts.conf'), `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${folders.map((folder) => `<dir>${folder}</dir>`).join('')}<cachedir>${join(CACHE, 'fontcache')}</cachedir></fontconfig>`)
}

function installed(): string | null {
  const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', 'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe']
  return places.find((path) => existsSync(path)) ?? null
}
