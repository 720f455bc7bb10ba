import { readFile } from 'node:fs/promises'
import type { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { checked } from '../support/check-answers.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { parseStream, question, said } from '../support/client.ts'
import type { Ambit } from '../../src/index.ts'
import { exposeTable } from '../../src/lib/store/expose/expose-table.ts'
import type { Wanted } from '../../src/lib/store/expose/exposure.ts'

const EXAMPLES = new URL('../../examples/', import.meta.url)
const orders: Wanted = {
  table: 'orders', orgColumn: 'account', projectColumn: 'shop', everyProject: false, as: 'view', name: null, columns: null, allow: ['select'], rolePrefix: 'ambit_',
}

// PostgreSQL only: the example's tools speak to a server through `pg`.
describe.skipIf(inject('postgresUrl') === '')('the example of the README', () => {
  let database: TestDatabase
  let ambit: Ambit
  let pool: Pool
  let ambitPool: Pool
  beforeAll(async () => {
    const kind = databaseKinds.find(({ name }) => name === 'PostgreSQL')
    if (!kind) throw new Error('There is no PostgreSQL.')
    database = await kind.create()
    const [tables, rows] = await Promise.all(['tables.sql', 'rows.sql'].map((file) => readFile(new URL(file, EXAMPLES), 'utf8')))
    await database.superuser.transaction('', (sql) => sql.script(`${tables} ${rows} grant select on accounts, shops, members, sessions to test_app;`))
    const exposed = await exposeTable(database.superuser, orders)
    if (!exposed.ok) throw new Error(exposed.detail)
    process.env['DATABASE_URL'] = process.env['AMBIT_DATABASE_URL'] = String(database.source)
    ;({ ambit, pool, ambitPool } = await import('../../examples/fetch/ambit.config.ts'))
  })
  afterAll(async () => {
    await ambit.close()
    // `end` does not wait until its connections are gone: the forced drop may still meet one.
    for (const one of [pool, ambitPool]) one.on('error', () => {})
    await Promise.all([pool.end(), ambitPool.end()])
    delete process.env['DATABASE_URL']
    delete process.env['AMBIT_DATABASE_URL']
    await database.drop()
  })

  const ask = async (token: string, path: string, text: string) => {
    const response = await checked(ambit).fetch(
      new Request(`http://host.test${path}/chat`, {
        method: 'POST',
        headers: { 'x-session': token, 'content-type': 'application/json' },
        body: JSON.stringify(question(`${path}-${text.length}`.replaceAll('/', '.'), text)),
      }),
    )
    return { status: response.status, ...parseStream(await response.text()) }
  }

  test('stands in the README as it runs here', async () => {
    const [readme, example] = await Promise.all(['../README.md', 'fetch/ambit.config.ts'].map((path) => readFile(new URL(path, EXAMPLES), 'utf8')))
    expect(readme).toContain(`\`\`\`ts file=examples/fetch/ambit.config.ts\n${example}\`\`\``)
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
