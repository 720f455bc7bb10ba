import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis'
import { StartError } from '../store/start-error.ts'

/**
 * Where Redis is: a URL; or the URLs of some nodes of a cluster, which name the others; or a client of the host's own, whose
 * settings are copied. It is not used itself.
 */
export type RedisAddress = { readonly url: string } | { readonly nodes: readonly string[] } | { readonly client: Redis | Cluster }

/** One connection to Redis that comes back by itself, and keeps nothing for later: what cannot be sent now fails now. */
export interface Link {
  readonly ready: boolean
  /** Resolves with the next (or present) readiness, or with the end of this link. */
  whenReady(): Promise<void>
  /** Resolves as soon as it is known whether the first try came through. */
  whenTried(): Promise<void>
  call(command: string, ...args: readonly (string | number)[]): Promise<unknown>
  /** Connects again: what hangs here, or may only be read, may be well elsewhere. */
  reset(): void
  close(): void
}

export interface LinkEvents {
  onReady(): void
  onTrouble(error: unknown): void
}

export type Connect = () => Promise<Redis | Cluster>

const ANSWER_MS = 2_000

const OPTIONS = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: ANSWER_MS,
  // Also of the handshake, and of a blocking read, which is shorter: a server that hangs is left.
  commandTimeout: ANSWER_MS,
  disconnectTimeout: 100,
  retryStrategy: (times: number) => Math.min(25 * 2 ** times, 1_000),
  connectionName: 'ambit',
  keyPrefix: '',
  protocol: 2,
} satisfies RedisOptions

/** Opens nothing. Another connection with each call. */
export function connectTo(address: RedisAddress): Connect {
  if ('url' in address) {
    return async () => {
      const { Redis } = await importRedis()
      return new Redis(address.url, OPTIONS)
    }
  }
  if ('nodes' in address) {
    return async () => {
      const { Cluster } = await importRedis()
      return new Cluster([...address.nodes], { ...CLUSTER_OPTIONS, dnsLookup: asNamed, redisOptions: { ...OPTIONS, ...accessOf(address.nodes) } })
    }
  }
  const { client } = address
  return async () => (isCluster(client) ? client.duplicate([], { ...CLUSTER_OPTIONS, redisOptions: OPTIONS }) : client.duplicate(OPTIONS))
}

const CLUSTER_OPTIONS = { lazyConnect: true, enableOfflineQueue: false, keyPrefix: '', clusterRetryStrategy: OPTIONS.retryStrategy } satisfies ClusterOptions

/** A certificate is for a name, and not for what it was resolved to. */
const asNamed: NonNullable<ClusterOptions['dnsLookup']> = (name, told) => told(null, name)

/** What the first node asks for, and so do those which the nodes name. */
function accessOf([first = '']: readonly string[]): Pick<RedisOptions, 'username' | 'password' | 'tls'> {
  const { protocol, username, password } = new URL(first)
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  }
}

function isCluster(client: Redis | Cluster): client is Cluster {
  return client.isCluster
}

/** As with the providers' packages: whoever does without it can be bundled all the same. */
export function importRedis() {
  return import(/* webpackIgnore: true */ /* turbopackIgnore: true */ 'ioredis').catch(() => {
    throw new StartError('bad_setting', 'The journal in Redis needs the package "ioredis", which could not be loaded. Install it: npm install ioredis')
  })
}

export function openLink(connect: Connect, { onReady, onTrouble }: LinkEvents): Link {
  let client: Redis | Cluster | null = null
  let closed = false
  let resetAt = -Infinity
  const waiting = new Set<() => void>()
  const trying = new Set<() => void>()
  const tellTried = () => wakeAll(trying)
  const tried = until(trying)

  const begin = async (): Promise<void> => {
    const made = await connect()
    if (closed) return made.disconnect()
    client = made
    made.on('error', (error: unknown) => {
      tellTried()
      if (!closed) onTrouble(error)
    })
    made.on('ready', () => {
      tellTried()
      wakeAll(waiting)
      onReady()
    })
    made.on('close', tellTried) // a cluster that is not ready says nothing else
    made.connect().catch(() => {}) // its error event has said so
  }
  begin().catch((error: unknown) => {
    tellTried()
    onTrouble(error)
  })

  const isReady = (): boolean => !closed && client?.status === 'ready'
  return {
    get ready() {
      return isReady()
    },
    whenReady: () => (isReady() || closed ? Promise.resolve() : until(waiting)),
    whenTried: () => tried,
    async call(command, ...args) {
      if (!client || !isReady()) throw new Disconnected()
      return client.call(command, ...args)
    },
    reset() {
      if (!isReady() || performance.now() - resetAt < ANSWER_MS) return
      resetAt = performance.now()
      client?.disconnect(true)
    },
    close() {
      closed = true
      client?.disconnect()
      tellTried()
      wakeAll(waiting)
    },
  }
}

/** There is no connection at this moment. */
export class Disconnected extends Error {
  constructor() {
    super('Redis is not connected.')
    this.name = 'Disconnected'
  }
}

function until(waiting: Set<() => void>): Promise<void> {
  return new Promise((resolve) => {
    waiting.add(resolve)
  })
}

function wakeAll(waiting: Set<() => void>): void {
  for (const wake of waiting) wake()
  waiting.clear()
}
