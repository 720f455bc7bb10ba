import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'

/** How one connection ends: after so many bytes of answers, reset or closed as if that were all. */
export interface CutPlan {
  readonly afterBytes: number
  readonly how: 'reset' | 'end'
}

/** What stands between a page and Ambit. */
export interface CuttingProxy {
  readonly url: string
  /** What the page asked for, connection by connection. */
  readonly asked: readonly string[]
  /** Bytes of answers that came, connection by connection. */
  readonly answered: readonly number[]
  /** Resets what is connected. */
  cut(): void
  close(): Promise<void>
}

/** Passes on what it gets; `plan` says of the n-th connection (from 0) where it is cut, null: nowhere. */
export async function startCuttingProxy(target: { readonly port: number }, plan: (connection: number) => CutPlan | null): Promise<CuttingProxy> {
  const pairs = new Map<Socket, Socket>()
  const asked: string[] = []
  const answered: number[] = []

  const server = createServer((client) => {
    const index = answered.push(0) - 1
    asked.push('')
    const cut = plan(index)
    const upstream = connect(target.port, '127.0.0.1')
    pairs.set(client, upstream)
    client.on('data', (bytes) => {
      asked[index] += bytes.toString()
      upstream.write(bytes)
    })
    upstream.on('data', (bytes: Buffer) => {
      const left = cut ? cut.afterBytes - (answered[index] ?? 0) : Infinity
      answered[index] = (answered[index] ?? 0) + bytes.length
      if (bytes.length < left) return client.write(bytes)
      upstream.destroy()
      client.write(bytes.subarray(0, left), () => (cut?.how === 'reset' ? client.resetAndDestroy() : client.destroySoon()))
      return false
    })
    const over = () => {
      pairs.delete(client)
      client.destroySoon()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.setNoDelay(true).on('error', over).on('close', over)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reset = () => {
    for (const [client, upstream] of pairs) {
      client.resetAndDestroy()
      upstream.destroy()
    }
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answered,
    cut: reset,
    async close() {
      const closed = once(server, 'close')
      server.close()
      reset()
      await closed
    },
  }
}
