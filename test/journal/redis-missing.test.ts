import { expect, test, vi } from 'vitest'
import { createLog } from '../../src/index.ts'
import { redisJournal } from '../../src/redis.ts'

vi.mock('ioredis', () => {
  throw new Error('Cannot find package.')
})

test('without its package it says which one to install, and runs go on without it', async () => {
  const log = createLog({ level: 'silent' })
  const said = vi.spyOn(log, 'error')
  const journal = redisJournal({ url: 'redis://127.0.0.1:1', log })
  await expect(journal.start()).rejects.toMatchObject({ name: 'StartError', code: 'bad_setting', message: expect.stringContaining('npm install ioredis') })
  const frame = { fence: 1, seq: 1, text: 'x', terminal: false, readSet: 1 }
  journal.append('r', [frame])
  const tail = journal.tail('r')
  expect(await tail.next({ fence: 0, seq: 0 }, new AbortController().signal)).toEqual([frame])
  await vi.waitFor(() => expect(said).toHaveBeenCalledTimes(1))
  tail.close()
  await journal.close()
})
