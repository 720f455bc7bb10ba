import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Frame, Journal, Log } from '../../src/index.ts'
import { redisJournal } from '../../src/redis.ts'
import type { RedisJournalOptions } from '../../src/redis.ts'
import { startTlsRedis } from '../support/redis-server.ts'

const found = await startTlsRedis('p@ss')
afterAll(() => found?.stop())
const live = new AbortController().signal
const said: readonly Frame[] = [{ fence: 1, seq: 1, text: 'data: {}\n\n', terminal: false, readSet: 1 }]

describe.skipIf(!found)('the journal over TLS', () => {
  const { url = '', ca = '' } = found ?? {}
  const codes: unknown[] = []
  const log: Log = { info: () => {}, warn: ({ code }) => void codes.push(code), error: ({ code }) => void codes.push(code), child: () => log }

  const open = (options: RedisJournalOptions): Journal => {
    const journal = redisJournal({ ...options, log })
    onTestFinished(() => journal.close())
    return journal
  }
  /** What a node reads of what another one has said. */
  const crossed = async (owner: Journal, other: Journal): Promise<unknown> => {
    owner.append('r', said)
    const tail = other.tail('r')
    onTestFinished(() => tail.close())
    return vi.waitUntil(async () => {
      const read = await tail.next({ fence: 0, seq: 0 }, live)
      return read === 'elsewhere' ? null : read
    }, 5_000)
  }

  test('a server whose certificate nobody vouches for is not spoken to', async () => {
    open({ url }).append('r', said)
    await vi.waitFor(() => expect(codes).toContain('SELF_SIGNED_CERT_IN_CHAIN'), 5_000)
  })

  test('a client brings its own authority, and its password', async () => {
    const client = new Redis(url, { lazyConnect: true, tls: { ca } })
    onTestFinished(() => client.disconnect())
    expect(await crossed(open({ client }), open({ client }))).toEqual(said)
  })

  describe('an authority that the process trusts', () => {
    const before = getCACertificates('default')
    beforeAll(() => setDefaultCACertificates([...before, ca]))
    afterAll(() => setDefaultCACertificates(before))

    test('is enough for a URL, with a password', async () => {
      expect(await crossed(open({ url }), open({ url }))).toEqual(said)
    })
  })
})
