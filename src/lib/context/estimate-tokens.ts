/**
 * Tokens of a text, estimated: a token is about three bytes of UTF-8 in the languages and code that were measured, and
 * a tokenizer per model would cost more memory than everything else here. What a call really used stands in its step.
 */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES)
}

/** The beginning of a text that has at most this many tokens, up to the end of a line where there is one. */
export function cutText(text: string, tokens: number): string {
  const bytes = Buffer.from(text).subarray(0, Math.max(0, tokens) * BYTES)
  // `stream` holds a character back that the cut went through, instead of writing a replacement for it.
  const start = new TextDecoder().decode(bytes, { stream: true })
  const line = start.lastIndexOf('\n')
  return line > start.length / 2 ? start.slice(0, line) : start
}

const BYTES = 3
