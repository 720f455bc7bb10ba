export { consoleAt } from './lib/http/built-console.ts'
export type { ConsoleOptions } from './lib/http/built-console.ts'
export type { Console } from './lib/http/console-pages.ts'
