/** Bytes cut into pieces of these sizes, the last size again and again; one piece where there are none. */
export function pieces(bytes: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] {
  const cut: Uint8Array[] = []
  let at = 0
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes[Math.min(index, sizes.length - 1)] ?? bytes.length
    cut.push(bytes.subarray(at, at + size))
    at += size
  }
  return cut
}

/** A body that comes in these pieces, each when it is asked for. */
export function bodyOf(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let index = 0
  return new ReadableStream(
    {
      pull(controller) {
        const part = parts[index]
        index += 1
        if (part) controller.enqueue(part)
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}
