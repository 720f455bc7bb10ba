/** A whole body of at most `maxBytes`. What is over the bound is never read. */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array | 'too_large' | 'broken'> {
  if (Number(request.headers.get('content-length')) > maxBytes) return 'too_large'
  if (!request.body) return new Uint8Array(0)
  const reader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const chunk = await reader.read().catch(() => null) // whoever sends it has gone, which is no fault of this side
    if (!chunk) return 'broken'
    if (chunk.done) return Buffer.concat(chunks, bytes)
    bytes += chunk.value.length
    if (bytes > maxBytes) {
      await reader.cancel().catch(() => {})
      return 'too_large'
    }
    chunks.push(chunk.value)
  }
}
