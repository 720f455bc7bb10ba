import { readFile } from 'node:fs/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { migrate } from '../../src/lib/store/migrate.ts'
import { databaseKinds } from '../support/databases.ts'
import { dumpSchema } from '../support/dump-schema.ts'

describe.each(databaseKinds)('the schema on $name', (kind) => {
  test('is the one in sql/schema.sql (after a migration: npm run schema)', async () => {
    const database = await kind.create()
    onTestFinished(() => database.drop())
    const golden = await readFile(new URL('../../sql/schema.sql', import.meta.url), 'utf8')
    expect(await dumpSchema(database.superuser)).toBe(golden)
  })

  test('migrating again runs nothing, and a migration that was edited is refused', async () => {
    const database = await kind.create()
    onTestFinished(() => database.drop())
    expect(await migrate(database.superuser)).toEqual([])
    await database.superuser.transaction('', (sql) => sql.query("update ambit.migrations set checksum = 'other'"))
    await expect(migrate(database.superuser)).rejects.toThrow('is never edited')
  })
})
