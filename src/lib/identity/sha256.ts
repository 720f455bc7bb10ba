import { createHash } from 'node:crypto'

/** A fast hash is enough for secrets of 256 random bits: there is nothing to guess. */
export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
