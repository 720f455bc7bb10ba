import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import { enterHostScope } from '../../src/lib/store/host-scope.ts'
import type { ScopedDatabase } from '../../src/lib/store/host-scope.ts'
import { must } from '../support/stage.ts'

export interface ScopedDatabaseUnderTest<Tx> {
  readonly database: ScopedDatabase<Tx>
  /** The rows of a statement inside the transaction, by the host's own way. */
  rows(tx: Tx, text: string): Promise<readonly Record<string, unknown>[]>
  /** Sees past every wall. With one connection it waits for open transactions. */
  readonly superuser: Database
  /** Null where there is no server that could end a connection. */
  readonly server: Database | null
  end(): Promise<void>
}

const TABLES = `
  create schema contract;
  create table contract.texts (a text, b text, c text, d text, e text, f text, g text, h text, i text, j text, k text);
  create table contract.notes (org text not null, id text primary key, again text unique deferrable initially deferred);
  create table contract.runs (id text primary key, fence text not null);
  insert into contract.runs values ('run', '7');
  grant usage on schema contract to public;
  grant select, insert, update, delete on contract.texts, contract.runs to public;
  create schema ambit_host;
  create view ambit_host.notes with (security_barrier) as
    select * from contract.notes where org = (select nullif(current_setting('ambit.org_id', true), '')) with check option;
  grant usage on schema ambit_host to ambit_scoped;
  grant select, insert, update, delete on ambit_host.notes to ambit_scoped;
`
const WHO = "select current_user::text as me, coalesce(nullif(current_setting('ambit.org_id', true), ''), 'none') as org"

/** What every way to a host's tables promises. */
export function scopedDatabaseContract<Tx>(name: string, create: () => Promise<ScopedDatabaseUnderTest<Tx>>): void {
  describe(`the contract of a scoped database: ${name}`, () => {
    let under: ScopedDatabaseUnderTest<Tx>
    beforeAll(async () => {
      under = await create()
      await under.superuser.transaction('', (sql) => sql.script(TABLES))
    })
    afterAll(() => under.end())

    /** A tool's transaction: entered, then worked in. */
    const inScope = <T>(org: string, work: (tx: Tx) => Promise<T>): Promise<T> =>
      under.database.transaction(async (tx) => {
        await enterHostScope(under.database, tx, { orgId: org, projectIds: ['*'], userId: 'somebody' }, 60_000)
        return work(tx)
      })
    const note = (tx: Tx, org: string, id: string) => under.database.execute(tx, 'insert into ambit_host.notes (org, id) values ($1, $2)', [org, id])
    const idsOf = async (like: string) => {
      const { rows } = await under.superuser.transaction('', (sql) => sql.query<{ id: string }>('select id from contract.notes where id like $1 order by id', [like]))
      return rows.map((row) => row.id)
    }

    test('commits what resolves, and answers what it resolved with', async () => {
      expect(await inScope('north', async (tx) => (await note(tx, 'north', 'kept'), 7))).toBe(7)
      expect(await idsOf('kept')).toEqual(['kept'])
    })

    test.each([['an Error', new Error('no')], ['a text', 'no']])('rolls back what rejects with %s, and rejects with the same', async (_, error) => {
      const work = inScope('north', async (tx) => {
        await note(tx, 'north', 'gone')
        throw error
      })
      await expect(work).rejects.toBe(error)
      expect(await idsOf('gone')).toEqual([])
    })

    test('role and settings hold inside the transaction, and end with it', async () => {
      const plain = () => under.database.transaction((tx) => under.rows(tx, WHO))
      const [before] = await plain()
      for (let time = 0; time < 6; time += 1) {
        const end = inScope(`o${time}`, async (tx) => {
          expect(await under.rows(tx, WHO)).toEqual([{ me: 'ambit_scoped', org: `o${time}` }])
          if (time % 2 === 1) throw new Error('no')
        })
        await end.catch(() => {})
        expect(await plain()).toEqual([before])
      }
      expect(before).toMatchObject({ org: 'none' })
      expect(must(before)['me']).not.toBe('ambit_scoped')
    })

    test.each([
      ['0', '1234ms'],
      ['2s', '1234ms'],
      ['500ms', '500ms'],
    ])('no statement outlasts the tool: of a bound of the host of %s it is %s', async (own, bound) => {
      const asked = await under.database.transaction(async (tx) => {
        await under.rows(tx, `set local statement_timeout = '${own}'`)
        await enterHostScope(under.database, tx, { orgId: 'north', projectIds: ['*'], userId: 'somebody' }, 1_234)
        return under.rows(tx, "select current_setting('statement_timeout') as bound")
      })
      expect(asked).toEqual([{ bound }])
    })

    test('parameters arrive as they were written, in any order, ten and more, and one of them twice', async () => {
      const values = ["it's", '"quoted"', '$1', '$10 \\ $$', "'; drop table contract.texts; --", '', '😀\u2028\r\n', 'x'.repeat(100_000), '{"a":[1]}', 'tenth']
      await under.database.transaction((tx) =>
        under.database.execute(tx, 'insert into contract.texts (j, a, b, c, d, e, f, g, h, i, k) values ($10, $1, $2, $3, $4, $5, $6, $7, $8, $9, $1)', values))
      const found = await under.database.transaction((tx) => under.rows(tx, 'select * from contract.texts'))
      expect(Object.values(must(found[0]))).toEqual([...values, values[0]])
    })

    test('answers how many rows were touched', async () => {
      const counts = await inScope('counts', async (tx) => {
        const run = (text: string, ...values: string[]) => under.database.execute(tx, text, values)
        return [
          await run("insert into ambit_host.notes (org, id) select $1, 'count-' || n from generate_series(1, 3) n", 'counts'),
          await run('update ambit_host.notes set again = id where id like $1', 'count-%'),
          await run('update ambit_host.notes set again = id where id = $1', 'nobody'),
          await run('insert into ambit_host.notes (org, id) values ($1, $2) on conflict do nothing', 'counts', 'count-1'),
          await run('update ambit_host.notes set again = null where id = $1 returning id', 'count-1'),
          await run('delete from ambit_host.notes where id like $1', 'count-%'),
        ]
      })
      expect(counts).toEqual([3, 3, 0, 0, 1, 3])
    })

    test('many transactions of two organisations at once never mix', async () => {
      const MANY = 80
      const aborted = (n: number) => n % 5 === 0
      const ends = await Promise.allSettled(
        Array.from({ length: MANY }, (_, n) => {
          const org = n % 2 === 0 ? 'even' : 'odd'
          return inScope(org, async (tx) => {
            await note(tx, org, `mixed-${n}`)
            await delay(n % 7)
            const found = await under.rows(tx, 'select org, id from ambit_host.notes')
            if (aborted(n)) throw new Error('given up')
            return { orgs: [...new Set(found.map((row) => row['org']))], own: found.some((row) => row['id'] === `mixed-${n}`), org }
          })
        }),
      )
      expect(ends.map(({ status }) => status)).toEqual(ends.map((_, n) => (aborted(n) ? 'rejected' : 'fulfilled')))
      const seen = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []))
      expect(seen).toEqual(seen.map(({ org }) => ({ orgs: [org], own: true, org })))
      expect(await idsOf('mixed-%')).toHaveLength(MANY - MANY / 5)
    })

    test('a statement that failed and was passed over fails the whole transaction', async () => {
      const work = inScope('north', async (tx) => {
        await note(tx, 'north', 'unkept')
        await under.rows(tx, 'select nonsense').catch(() => [])
        return 'done'
      })
      await expect(work).rejects.toBeInstanceOf(Error)
      expect(await idsOf('unkept')).toEqual([])
      expect(await inScope('north', async () => 'next')).toBe('next')
    })

    test('what the commit refuses rejects', async () => {
      const work = inScope('north', async (tx) => {
        await note(tx, 'north', 'once')
        await note(tx, 'north', 'twice')
        return under.database.execute(tx, 'update ambit_host.notes set again = $1 where id in ($2, $3)', ['same', 'once', 'twice'])
      })
      await expect(work).rejects.toBeInstanceOf(Error)
      expect(await idsOf('%ce')).toEqual([])
      expect(await inScope('north', async () => 'next')).toBe('next')
    })

    test.each([['failed', true], ['answered', false]])('what goes on after its work %s reaches no rows, of its own organisation or of the next', async (_, fails) => {
      let late: Tx | undefined
      const work = inScope('north', async (tx) => {
        late = tx
        await under.rows(tx, 'select 1 as one')
        if (fails) throw new Error('a sibling failed')
      })
      expect((await Promise.allSettled([work]))[0].status).toBe(fails ? 'rejected' : 'fulfilled')
      const tried = await inScope('south', async (tx) => {
        await note(tx, 'south', `next-${fails}`)
        const ways = [async () => under.rows(must(late), 'select id from ambit_host.notes'), async () => note(must(late), 'south', `late-${fails}`)]
        return Promise.allSettled(ways.map((way) => way()))
      })
      expect(tried.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
      expect(await idsOf('late-%')).toEqual([])
      expect(await idsOf(`next-${fails}`)).toHaveLength(1)
    })

    test('a last statement that touches no row can take everything back', async () => {
      const act = (fence: string) =>
        under.database.transaction(async (tx) => {
          await under.database.execute(tx, 'insert into contract.texts (a) values ($1)', [`fence ${fence}`])
          const guarded = await under.database.execute(tx, 'update contract.runs set id = id where id = $1 and fence = $2', ['run', fence])
          if (guarded === 0) throw new Error('somebody else drives')
        })
      await expect(act('6')).rejects.toThrow('somebody else drives')
      await act('7')
      const kept = await under.database.transaction((tx) => under.rows(tx, "select a from contract.texts where a like 'fence%'"))
      expect(kept).toEqual([{ a: 'fence 7' }])
    })

    test('a connection that the server ends in mid-transaction fails that transaction only, and no process', async (context) => {
      const { server } = under
      if (server === null) return context.skip('there is no server that could end a connection')
      for (let time = 0; time < 3; time += 1) {
        const work = inScope('north', async (tx) => {
          const [row] = await under.rows(tx, 'select pg_backend_pid() as pid')
          await note(tx, 'north', 'ended')
          await server.transaction('', (sql) => sql.query('select pg_terminate_backend($1)', [row?.['pid']]))
          return under.rows(tx, 'select 1 as one')
        })
        await expect(work).rejects.toBeInstanceOf(Error)
      }
      expect(await inScope('north', (tx) => under.rows(tx, 'select 1 as one'))).toEqual([{ one: 1 }])
      expect(await idsOf('ended')).toEqual([])
    })
  })
}
