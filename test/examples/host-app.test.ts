import { readFile } from 'node:fs/promises'
import type { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { parseStream, question, said } from '../support/client.ts'
import type { Ambit } from '../../src/index.ts'

const ROWS = `
  insert into accounts values ('north', 'North Ltd'), ('south', 'South Ltd');
  insert into shops values ('north', 'web', 'Web shop'), ('north', 'kiosk', 'Kiosk'), ('south', 'web', 'Web shop');
  insert into members values ('north', 'nora'), ('south', 'sam');
  insert into sessions values ('nora-token', 'nora'), ('sam-token', 'sam');
  insert into orders values ('north', 'web', 'n1', 'Marlow', 70), ('north', 'kiosk', 'n2', 'Marlow', 8), ('south', 'web', 's1', 'Marlow', 990);
  grant select on accounts, shops, members, sessions, orders to test_app;
`

// PostgreSQL only: the example's tools speak to a server through `pg`.
describe.skipIf(inject('postgresUrl') === '')('the example of the README', () => {
  let database: TestDatabase
  let ambit: Ambit
  let pool: Pool
  beforeAll(async () => {
    const kind = databaseKinds.find(({ name }) => name === 'PostgreSQL')
    if (!kind) throw new Error('There is no PostgreSQL.')
    database = await kind.create()
    const tables = await readFile(new URL('../../examples/host-app/tables.sql', import.meta.url), 'utf8')
    await database.superuser.transaction('', (sql) => sql.script(`${tables} ${ROWS}`))
    process.env['DATABASE_URL'] = String(database.source)
    ;({ ambit, pool } = await import('../../examples/host-app/app.ts'))
  })
  afterAll(async () => {
    await ambit.close()
    // `end` does not wait until its connections are gone: the forced drop may still meet one.
    pool.on('error', () => {})
    await pool.end()
    delete process.env['DATABASE_URL']
    await database.drop()
  })

  const ask = async (token: string, path: string, text: string) => {
    const response = await ambit.fetch(
      new Request(`http://host.test${path}/chat`, {
        method: 'POST',
        headers: { 'x-session': token, 'content-type': 'application/json' },
        body: JSON.stringify(question(`${path}-${text.length}`.replaceAll('/', '.'), text)),
      }),
    )
    return { status: response.status, ...parseStream(await response.text()) }
  }

  test('stands in the README as it runs here', async () => {
    const [readme, example] = await Promise.all(
      ['../../README.md', '../../examples/host-app/app.ts'].map((path) => readFile(new URL(path, import.meta.url), 'utf8')),
    )
    expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  })

  test.each([
    ['nora-token', '/v1/orgs/north/projects/web', '70', ['8', '990']],
    ['nora-token', '/v1/orgs/north', '70', ['990']],
    ['sam-token', '/v1/orgs/south/projects/web', '990', ['70']],
  ])('%s at %s sees the orders of that place', async (token, path, own, foreign) => {
    const { status, chunks } = await ask(token, path, 'Find the orders of the customer "Marlow"')
    expect(status).toBe(200)
    const outputs = chunks.filter((chunk) => chunk.type === 'tool-output-available').map((chunk) => JSON.stringify(chunk.output))
    expect(outputs.join()).toContain(`"total":${own}`)
    for (const total of foreign) expect(outputs.join()).not.toContain(`"total":${total}`)
    expect(said(chunks)).toContain(own)
  })

  test('a tool that forgets every filter counts one tenant only', async () => {
    const { chunks } = await ask('sam-token', '/v1/orgs/south', 'Count all orders')
    expect(chunks.find((chunk) => chunk.type === 'tool-output-available')?.output).toEqual({ orders: 1 })
  })

  test.each([
    ['sam-token', '/v1/orgs/north', 404],
    ['sam-token', '/v1/orgs/south/projects/kiosk', 404],
    ['nobody', '/v1/orgs/south', 401],
  ])('%s at %s gets %i', async (token, path, status) => {
    expect((await ask(token, path, 'Count all orders')).status).toBe(status)
  })
})
