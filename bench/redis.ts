import { Redis } from 'ioredis'
import { startRedis } from '../test/support/redis-server.ts'

/** A Redis of the benchmark's own. */
export interface MeasuredRedis {
  readonly url: string
  /** For the report. */
  readonly note: string
  /** What the server says that it has used, all of its threads together. */
  cpuMicros(): Promise<number>
  stop(): Promise<void>
}

/** Null, loudly, where there is none to start. */
export async function startMeasuredRedis(): Promise<MeasuredRedis | null> {
  const server = await startRedis()
  if (!server) {
    process.stderr.write('\nNothing is measured on Redis.\n\n')
    return null
  }
  const client = new Redis(server.url)
  const info = await client.info('server')
  return {
    url: server.url,
    note: `Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? 'of an unknown version'}, in memory only`,
    async cpuMicros() {
      const used = await client.info('cpu')
      return ['used_cpu_sys', 'used_cpu_user'].reduce((sum, name) => sum + Number(new RegExp(`${name}:(\\S+)`).exec(used)?.[1]) * 1_000_000, 0)
    },
    async stop() {
      client.disconnect()
      await server.stop()
    },
  }
}
