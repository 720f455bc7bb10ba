import type { UIMessage } from 'ai'

/**
 * The client's parts without what only a client has: keys that are undefined (`preliminary`, `providerExecuted`, `title`,
 * `rawInput`, and `output` or `errorText` where the other one is set), and a reasoning part's `id`. A call whose input was
 * refused has its metadata under `resultProviderMetadata` there and under `callProviderMetadata` in the store.
 */
export function storedForm(message: UIMessage): unknown {
  const parts = JSON.parse(JSON.stringify(message.parts)) as Record<string, unknown>[]
  return parts.map((part) => {
    const { id, resultProviderMetadata, ...rest } = part
    return {
      ...rest,
      ...(id !== undefined && part['type'] !== 'reasoning' && { id }),
      ...(resultProviderMetadata !== undefined && { callProviderMetadata: resultProviderMetadata }),
    }
  })
}
