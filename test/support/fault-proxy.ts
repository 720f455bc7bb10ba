import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'

/** What stands between Ambit and its database, and can fail as a network does. */
export interface FaultProxy {
  /** The same URL, through the proxy. */
  through(url: string): string
  /** New connections are served. Those that hung stay as they are, as half-open ones do. */
  pass(): Promise<void>
  /** Nothing listens any more; what was connected is reset. */
  refuse(): Promise<void>
  /** Accepts and says nothing, and what was connected is neither served nor closed. */
  hang(): void
  /** Resets what is connected. New connections are served. */
  cut(): void
  /** Resets the connection that sends the n-th message from now on, before the message (`lose: 'question'`) or after it, in place of its answer. */
  cutAt(message: number, lose: 'question' | 'answer'): void
  /** Messages that were sent to the database. */
  readonly messages: number
  /** Connections that are open. */
  readonly connections: number
  close(): Promise<void>
}

interface Pair {
  readonly client: Socket
  readonly upstream: Socket
  hung: boolean
}

interface Cut {
  readonly message: number
  readonly lose: 'question' | 'answer'
}

/** A message is what the client flushes at once: one statement, or one transaction's beginning. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port: targetPort } = new URL(target)
  const pairs = new Set<Pair>()
  let hanging = false
  let messages = 0
  let cut: Cut | null = null
  let server: Server | null = null

  const drop = ({ client, upstream }: Pair) => {
    client.resetAndDestroy()
    upstream.destroy()
  }

  const serve = (client: Socket) => {
    const pair: Pair = { client, upstream: connect(Number(targetPort), hostname), hung: hanging }
    pairs.add(pair)
    let mute = false
    client.on('data', (bytes) => {
      if (pair.hung) return
      messages += 1
      const due = cut !== null && messages === cut.message ? cut : null
      if (due?.lose === 'question') return drop(pair)
      if (due) mute = true
      pair.upstream.write(bytes)
    })
    pair.upstream.on('data', (bytes) => {
      if (mute) return drop(pair)
      if (!pair.hung) client.write(bytes)
    })
    const over = () => {
      if (pair.hung && !client.destroyed && !client.readableEnded) return // half-open: the other side never hears of it
      pairs.delete(pair)
      client.destroy()
      pair.upstream.destroy()
    }
    for (const socket of [client, pair.upstream]) socket.setNoDelay(true).on('error', over).on('close', over).on('end', over)
  }

  const listen = async (port: number): Promise<number> => {
    const listening = createServer(serve).listen(port, '127.0.0.1')
    await once(listening, 'listening')
    server = listening
    return (listening.address() as AddressInfo).port
  }
  const deafen = async () => {
    const closed = server && once(server, 'close')
    server?.close()
    server = null
    for (const pair of pairs) drop(pair)
    await closed
  }

  const port = await listen(0)
  return {
    through(url) {
      const own = new URL(url)
      own.host = `127.0.0.1:${port}`
      return own.href
    },
    async pass() {
      hanging = false
      if (!server) await listen(port)
    },
    refuse: deafen,
    hang() {
      hanging = true
      for (const pair of pairs) pair.hung = true
    },
    cut() {
      for (const pair of pairs) drop(pair)
    },
    cutAt(message, lose) {
      cut = { message: messages + message, lose }
    },
    get messages() {
      return messages
    },
    get connections() {
      return pairs.size
    },
    close: deafen,
  }
}
