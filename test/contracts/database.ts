import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'

export interface DatabaseUnderTest {
  readonly database: Database
  end(): Promise<void>
}

/** What every way to PostgreSQL promises. */
export function databaseContract(name: string, create: () => Promise<DatabaseUnderTest>): void {
  describe(`the database contract: ${name}`, () => {
    let under: DatabaseUnderTest
    beforeAll(async () => {
      under = await create()
      await under.database.transaction('', (sql) => sql.script('create schema contract; create table contract.t (id text primary key, n bigint, at timestamptz, j jsonb)'))
    })
    afterAll(() => under.end())

    const insert = (id: string) => under.database.transaction('', (sql) => sql.query('insert into contract.t (id) values ($1)', [id]))
    const ids = async (like: string) =>
      (await under.database.transaction('', (sql) => sql.query<{ id: string }>('select id from contract.t where id like $1 order by id', [like]))).rows.map((row) => row.id)

    test('commits what resolves, and answers what it resolved with', async () => {
      expect(await under.database.transaction('', async (sql) => (await sql.query('insert into contract.t (id) values ($1)', ['kept']), 7))).toBe(7)
      expect(await ids('kept')).toEqual(['kept'])
    })

    test('rolls back what rejects, with the same error', async () => {
      const error = new Error('no')
      const work = under.database.transaction('', async (sql) => {
        await sql.query('insert into contract.t (id) values ($1)', ['gone'])
        throw error
      })
      await expect(work).rejects.toBe(error)
      expect(await ids('gone')).toEqual([])
    })

    test('rolls back what throws something that is no Error', async () => {
      await expect(under.database.transaction('', () => Promise.reject('text'))).rejects.toBe('text')
      expect(await ids('kept')).toEqual(['kept'])
    })

    test('a failed statement rejects with its code, and the next transaction works', async () => {
      await insert('twice')
      for (let time = 0; time < 15; time += 1) await expect(insert('twice')).rejects.toMatchObject({ code: '23505' })
      await expect(under.database.transaction('', (sql) => sql.query('select nonsense'))).rejects.toMatchObject({ code: '42703' })
      await expect(under.database.transaction('', (sql) => sql.script('select 1; select nonsense'))).rejects.toMatchObject({ code: '42703' })
      await insert('after')
      expect(await ids('after')).toEqual(['after'])
    })

    test('takes statements without waiting, and runs them in the order in which they were given', async () => {
      await under.database.transaction('', async (sql) => {
        const [, first, , second] = await Promise.all([
          sql.query("insert into contract.t (id, n) values ('ahead', 1)"),
          sql.query<{ n: number }>("select n from contract.t where id = 'ahead'"),
          sql.query("update contract.t set n = n + 1 where id = 'ahead'"),
          sql.query<{ n: number }>("select n from contract.t where id = 'ahead'"),
        ])
        expect([first.rows, second.rows]).toEqual([[{ n: 1 }], [{ n: 2 }]])
      })
    })

    test('one of several statements that fails rejects with its own code, and nothing of them is kept', async () => {
      const all = under.database.transaction('', (sql) =>
        Promise.all([
          sql.query("insert into contract.t (id) values ('half')"),
          sql.query('select nonsense'),
          sql.query("insert into contract.t (id) values ('other half')"),
        ]))
      await expect(all).rejects.toMatchObject({ code: '42703' })
      expect(await ids('%half')).toEqual([])
      await insert('after-half')
      expect(await ids('after-half')).toEqual(['after-half'])
    })

    test('a preamble that fails fails the transaction before its work', async () => {
      let ran = false
      await expect(under.database.transaction('set local role "nobody_at_all"', async () => (ran = true))).rejects.toThrow('nobody_at_all')
      expect(ran).toBe(false)
      await insert('after-preamble')
    })

    test('the preamble holds inside the transaction, and ends with it', async () => {
      const setting = async (preamble: string) =>
        (await under.database.transaction(preamble, (sql) => sql.query<{ value: string }>(`select coalesce(current_setting('ambit.org_id', true), '') as value`))).rows[0]?.value
      for (let time = 0; time < 12; time += 1) {
        expect(await setting(`set local ambit.org_id = 'o${time}'`)).toBe(`o${time}`)
        expect(await setting('')).toBe('')
      }
    })

    test('values come as they are promised: bigint as number, jsonb parsed, timestamptz as Date', async () => {
      const at = new Date('2026-01-02T03:04:05.678Z')
      const { rows } = await under.database.transaction('', async (sql) => {
        await sql.query('insert into contract.t (id, n, at, j) values ($1, $2, $3, $4::jsonb)', ['typed', 9_007_199_254_740_991, at, JSON.stringify({ a: [1, null, 'x'] })])
        return sql.query('select n, at, j, (select count(*) from contract.t where id = $1) as counted from contract.t where id = $1', ['typed'])
      })
      expect(rows).toEqual([{ n: 9_007_199_254_740_991, at, j: { a: [1, null, 'x'] }, counted: 1 }])
    })

    test('null goes in and comes out', async () => {
      const { rows } = await under.database.transaction('', (sql) => sql.query<{ a: null; b: boolean }>('select $1::text as a, $2::bigint is null as b', [null, null]))
      expect(rows).toEqual([{ a: null, b: true }])
    })

    test('a NUL in a text is refused, and the connection lives on', async () => {
      await expect(insert('a\0b')).rejects.toMatchObject({ code: '22021' })
      await expect(under.database.transaction('', (sql) => sql.query(`select $1::jsonb`, ['{"a":"\\u0000"}']))).rejects.toMatchObject({ code: '22P05' })
      await insert('after-nul')
    })

    test('every other text comes back as it went', async () => {
      for (const text of ['\u2028\r\n\t\\', "'; drop table contract.t; --", '😀', 'a\ufeff', '$1', 'x'.repeat(1_000_000)]) {
        const { rows } = await under.database.transaction('', (sql) => sql.query<{ text: string }>('select $1::text as text', [text]))
        expect(rows[0]?.text === text).toBe(true)
      }
    })

    test('the count is of rows that were touched', async () => {
      const counts = await under.database.transaction('', async (sql) => {
        const made = await sql.query('insert into contract.t (id) select $1::text || g from generate_series(1, 3) g', ['count-'])
        const changed = await sql.query('update contract.t set n = 1 where id like $1', ['count-%'])
        const none = await sql.query('update contract.t set n = 1 where id = $1', ['nobody'])
        const ignored = await sql.query('insert into contract.t (id) values ($1) on conflict do nothing', ['count-1'])
        const returned = await sql.query('update contract.t set n = 2 where id = $1 returning id', ['count-1'])
        const deleted = await sql.query('delete from contract.t where id like $1', ['count-%'])
        return [made, changed, none, ignored, returned, deleted].map((result) => result.count)
      })
      expect(counts).toEqual([3, 3, 0, 0, 1, 3])
    })

    test('a statement after the end of its transaction rejects', async () => {
      let late: (() => Promise<unknown>) | undefined
      await under.database.transaction('', async (sql) => {
        late = () => sql.query('insert into contract.t (id) values ($1)', ['late'])
      })
      await expect(late?.()).rejects.toThrow(/over|closed/)
      expect(await ids('late')).toEqual([])
    })

    test('many transactions at once all end', async () => {
      const ended = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => insert(index % 4 === 0 ? 'kept' : `many-${index}`)))
      expect(ended.map((one) => one.status)).toEqual(ended.map((_, index) => (index % 4 === 0 ? 'rejected' : 'fulfilled')))
      expect(await ids('many-%')).toHaveLength(30)
    })
  })
}
