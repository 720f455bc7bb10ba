/**
 * Tokens of a text, estimated: a token is about three bytes of UTF-8 in the languages and code that were measured, and
 * a tokenizer per model would cost more memory than everything else here. What a call really used stands in its step.
 */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES)
}

/**
 * Tokens of an image, whatever its size: providers scale a large one down. Anthropic to about 1,600 at the most (its guide to
 * vision); OpenAI to 8 tiles of 170 and 85 besides, which is 1,445. An estimate that is too high leaves a little room.
 */
export const IMAGE_TOKENS = 1_600

/** The same for so many bytes of text. */
export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES)
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
