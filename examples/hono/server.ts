import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { ambit } from './ambit.ts'
import { ambitPool, db } from './db.ts'

const app = new Hono()
app.all('/api/ambit/*', (c) => ambit.fetch(c.req.raw))

// The rest of the app, as it was.
app.get('/', (c) => c.text('The shop is open.'))
app.get('/accounts', async (c) => c.json(await db.selectFrom('accounts').select('name').orderBy('name').execute()))

await ambit.start()
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT'] ?? 3000) })

process.once('SIGTERM', async () => {
  server.close()
  await ambit.close()
  if ('closeAllConnections' in server) server.closeAllConnections()
  await Promise.all([db.destroy(), ambitPool.end()])
})
