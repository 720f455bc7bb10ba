import pg from 'pg'

/** The one channel: what is said on it names a node and nothing of anybody's, because everybody on the database may listen. */
export const WAKE_CHANNEL = 'ambit_wake'

const AGAIN_MS = 1_000
const MOST_AGAIN_MS = 30_000

/** Listens until it is closed. */
export interface Wakes {
  close(): Promise<void>
}

export interface WakesOptions {
  readonly url: string
  /** A node was named. */
  onWake(nodeId: string): void
  /** The connection is lost, and made again by and by. */
  onLost(error: unknown): void
}

/**
 * A connection of its own that hears `NOTIFY`: a wake-up that comes sooner than the next look, and never instead of it. Behind a
 * pooler in transaction mode, or while the connection is lost, nothing is heard, and everything still happens within a second.
 */
export function hearWakes({ url, onWake, onLost }: WakesOptions): Wakes {
  let client: pg.Client | null = null
  let timer: NodeJS.Timeout | undefined
  let waitMs = AGAIN_MS
  let closed = false
  let connecting: Promise<void> = Promise.resolve()

  const connect = async (): Promise<void> => {
    const opened = new pg.Client({ connectionString: url, keepAlive: true, connectionTimeoutMillis: 5_000 })
    client = opened
    let over = false
    const lose = (error: unknown): void => {
      if (over) return
      over = true
      if (closed) return
      onLost(error)
      timer = setTimeout(again, waitMs)
      waitMs = Math.min(waitMs * 2, MOST_AGAIN_MS)
    }
    opened.on('error', lose)
    opened.on('end', () => lose(new Error('The connection ended.')))
    opened.on('notification', ({ payload }) => onWake(payload ?? ''))
    try {
      await opened.connect()
      await opened.query(`listen ${WAKE_CHANNEL}`)
      waitMs = AGAIN_MS
    } catch (error) {
      lose(error)
      await opened.end().catch(() => {}) // it failed, which is told
    }
  }
  const again = (): void => {
    connecting = connect()
  }
  again()
  return {
    async close() {
      closed = true
      clearTimeout(timer)
      await connecting
      await client?.end().catch(() => {}) // one that was lost has ended
    },
  }
}
