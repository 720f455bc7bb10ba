import { randomBytes } from 'node:crypto'
import { createLog } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import type { Journal, Tail } from './journal.ts'
import { memoryJournal } from './memory-journal.ts'
import { connectTo, importRedis, openLink } from './redis-link.ts'
import type { Link, RedisAddress } from './redis-link.ts'
import { createMirrors } from './redis-mirrors.ts'
import { createPublisher } from './redis-publisher.ts'
import { createTroubles } from './redis-troubles.ts'

export type RedisJournalOptions = RedisAddress & {
  /** Before every key (`ambit`): one for each installation on the same Redis. */
  readonly prefix?: string
  /** Settled frames of a run that are kept for those who come late, here and in Redis (1 MB each). */
  readonly keptBytes?: number
  /** What goes wrong with Redis, once per kind and minute. */
  readonly log?: Log
}

export interface RedisJournal extends Journal {
  /** Rejects with a StartError where this can never work: `ioredis` is not installed. Redis itself may be away. */
  start(): Promise<void>
  /** `heard` is called where frames come for a reader that was sent elsewhere: it may ask here again. */
  tail(runId: string, heard?: () => void): Tail
}

const LOOK_MS = 1_000
const LISTEN_MS = 500

/**
 * Live frames for all nodes. Runs that are driven here are in this process's memory, as without Redis, and are copied there;
 * runs of other nodes are read from there, once per node. Redis is never the only copy of anything: without it nothing fails,
 * and readers on other nodes get what is committed. Opens nothing until it is used.
 */
export function redisJournal(options: RedisJournalOptions): RedisJournal {
  const { prefix = 'ambit', keptBytes = 1_000_000, log = createLog({ level: 'info' }) } = options
  if (!/^[\w:.-]{1,64}$/.test(prefix)) throw new Error('The prefix of a journal in Redis is of letters, digits, "_", ":", "." and "-" only.')
  let failed = (): void => {}
  const tell = createTroubles(log, () => failed())
  const connect = connectTo(options)
  const local = memoryJournal({ keptBytes })
  let commands: Link | null = null
  let timers: readonly NodeJS.Timeout[] = []
  let closed: Promise<void> | undefined

  const look = (): void => {
    publisher.look()
    mirrors.look()
  }
  const link = (): Link => {
    if (commands) return commands
    timers = [setInterval(() => publisher.look(), LOOK_MS), setInterval(() => mirrors.look(), LISTEN_MS)]
    return (commands = openLink(connect, { onReady: look, onTrouble: tell }))
  }
  const publisher = createPublisher({ local, prefix, keptBytes, link, tell })
  const mirrors = createMirrors({
    prefix, keptBytes, link, tell,
    open: () => openLink(connect, { onReady: () => {}, onTrouble: tell }),
    node: randomBytes(6).toString('hex'),
  })

  const close = async (): Promise<void> => {
    await publisher.close()
    await mirrors.close()
    await local.close()
    for (const timer of timers) clearInterval(timer)
    commands?.close()
  }

  return {
    start: async () => void ('client' in options || (await importRedis())),
    append(runId, frames) {
      local.append(runId, frames)
      if (closed) return
      mirrors.retire(runId)
      publisher.appended(runId, frames)
    },
    settle(runId, seq) {
      local.settle(runId, seq)
      publisher.settled(runId, seq)
    },
    end(runId) {
      local.end(runId)
      publisher.ended(runId)
    },
    tail: (runId, heard = () => {}) => (closed ? local.tail(runId) : publisher.tail(runId)) ?? mirrors.tail(runId, heard),
    onFailure: (told) => void (failed = told),
    close: () => (closed ??= close()),
  }
}
