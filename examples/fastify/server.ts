import { toFastify } from 'ambit/fastify'
import fastify from 'fastify'
import { ambit } from './ambit.ts'
import { db, endPools } from './db.ts'
import { accounts } from './schema.ts'

const app = fastify()
await app.register(toFastify(ambit), { prefix: '/api/ambit' })

// The rest of the app, as it was.
app.get('/', async () => 'The shop is open.')
app.post('/accounts/count', async ({ body }) => ({ asked: body, count: await db.$count(accounts) }))

// Before the server closes: answers end first.
app.addHook('preClose', () => ambit.close())
app.addHook('onClose', endPools)

await ambit.start()
await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 3000) })
process.once('SIGTERM', () => void app.close())
