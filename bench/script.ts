/** What the upstream is told to answer. It travels as the text of the user's message, so every server hands it on unchanged. */
export interface Script {
  readonly tokens: number
  /** Tokens a second, one write each; absent: all as fast as the socket takes them. */
  readonly rate?: number
  /** Stop after the first token until the upstream is told to go on. */
  readonly hold?: boolean
}

export function scriptText({ tokens, rate = 0, hold = false }: Script): string {
  return `tokens=${tokens} rate=${rate} hold=${hold ? 1 : 0}`
}

export function parseScript(text: string): Required<Script> {
  const [, tokens, rate, hold] = /tokens=(\d+) rate=(\d+) hold=([01])/.exec(text) ?? []
  if (tokens === undefined) throw new Error(`The upstream was asked without a script: ${text.slice(0, 200)}`)
  return { tokens: Number(tokens), rate: Number(rate), hold: hold === '1' }
}

/** A token says which one it is and when it was written, so that a reader can tell what is missing and how late it is. */
export function tokenText(index: number, micros: number): string {
  return `${index.toString(36)}:${micros.toString(36)} `
}

export function parseToken(token: string): { readonly index: number; readonly micros: number } {
  const [index = '', micros = ''] = token.split(':')
  return { index: Number.parseInt(index, 36), micros: Number.parseInt(micros, 36) }
}

/** Microseconds of the machine's monotonic clock: the same in every process. */
export function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1000n)
}
