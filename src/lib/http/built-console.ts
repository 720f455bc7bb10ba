import { fileURLToPath } from 'node:url'
import { createConsole } from './console-pages.ts'
import type { Console } from './console-pages.ts'

export interface ConsoleOptions {
  /** Where the host signs people in: shown to whoever opens the console and is not known to its `authenticate`. Where that knows `signedIn()`, the console asks for an API key itself. */
  readonly signInUrl?: string
}

/**
 * The web console, as the package holds it, for the option `console` of `createAmbit()`: `console: consoleAt('/assistant')`. `path` is the whole
 * path, whatever the `basePath` of the interface is; requests below both must reach `fetch`. Throws where it is no path.
 */
export function consoleAt(path: string, { signInUrl }: ConsoleOptions = {}): Console {
  // The same from `src/` and from `dist/`: the build stands beside them.
  const directory = fileURLToPath(new URL('../../../console/dist/', import.meta.url))
  return createConsole({ path, signInUrl: signInUrl ?? null, directory })
}
