import { listen } from 'ambit/node'
import { ambit, ambitPool, pool } from './ambit.config.ts'

await ambit.start()
const server = await listen(
  {
    async fetch(request) {
      const { pathname } = new URL(request.url)
      return pathname === '/' ? new Response('The shop is open.') : ambit.fetch(request)
    },
  },
  { host: '127.0.0.1', port: Number(process.env['PORT'] ?? 3000) },
)

process.once('SIGTERM', async () => {
  server.close()
  await ambit.close()
  server.closeAllConnections()
  await Promise.all([pool.end(), ambitPool.end()])
})
