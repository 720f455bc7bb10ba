import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { question } from '../client.ts'
import { FAULT_SCOPE } from './history.ts'
import type { Door } from './history.ts'
import type { Plan } from './plan.ts'
import { questionOf } from './plan.ts'

/** A question over a socket of the test's own, which may then do what no decent client does. Resolves with the first bytes of the answer. */
export async function postRaw(door: Door, key: string, { plan, thread }: { plan: Plan; thread: string }): Promise<Socket> {
  const { hostname, port } = new URL(door.url)
  const body = JSON.stringify(question(thread, questionOf(plan), `m-${plan.id}`))
  const head = [`POST ${FAULT_SCOPE}/chat HTTP/1.1`, `host: ${hostname}:${port}`, `authorization: Bearer ${key}`, 'content-type: application/json', `content-length: ${Buffer.byteLength(body)}`]
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {}) // its end is what is tested
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  await once(socket, 'data')
  return socket
}
