/** An id that nobody else has. Not by `crypto.randomUUID`, which a browser has over https and on its own machine only. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
