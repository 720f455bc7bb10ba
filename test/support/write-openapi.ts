import { writeFile } from 'node:fs/promises'
import { openApiDocument } from '../../src/lib/http/openapi.ts'
import { SCOPE_PREFIXES } from '../../src/lib/http/routes.ts'

const document = openApiDocument({ basePath: '', prefixes: SCOPE_PREFIXES })
await writeFile(new URL('../../openapi.json', import.meta.url), `${JSON.stringify(document, null, 2)}\n`)
