import { toExpress } from 'ambit/express'
import express from 'express'
import { ambit } from './ambit.ts'
import { ambitPool, find, personOf, pool } from './db.ts'

const app = express()
app.use(['/api/ambit', '/assistant'], toExpress(ambit)) // above the parser: Ambit reads bodies within its own bounds
app.use(express.json())

// The rest of the app, as it was.
app.get('/', (_request, response) => void response.send('The shop is open.'))
app.post('/orders/search', async (request, response) => {
  const { customer } = request.body as { customer: string }
  const person = await personOf(request.headers.cookie)
  response.json(await find('select o.id, o.total from orders o join members m using (account) where m.person = $1 and o.customer = $2 order by o.id', person, customer))
})

await ambit.start()
const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')

process.once('SIGTERM', async () => {
  server.close()
  await ambit.close()
  server.closeAllConnections()
  await Promise.all([pool.end(), ambitPool.end()])
})
