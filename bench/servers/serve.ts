import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerParent } from '../parent.ts'

/** Listens on a port of its own and tells the parent the address. A failure breaks the connection, and is counted by the load. */
export async function serve(answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`)
      response.destroy()
    })
  })
  server.listen(0, '127.0.0.1', 4096)
  await once(server, 'listening')
  answerParent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {}, () => server.close())
}
