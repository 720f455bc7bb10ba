import { writeFile } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import { migrate } from '../../src/lib/store/migrate.ts'
import { pgliteDatabase } from '../../src/lib/store/pglite-database.ts'
import { dumpSchema } from './dump-schema.ts'

const database = pgliteDatabase(await PGlite.create())
await migrate(database)
await writeFile(new URL('../../sql/schema.sql', import.meta.url), await dumpSchema(database))
await database.close()
