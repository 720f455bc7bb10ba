import { expect, test } from 'vitest'
import { question, readStream } from '../support/client.ts'
import { describeHost } from './support/host-contract.ts'
import type { Host } from './support/host-contract.ts'

const host: Host = {
  name: 'fetch',
  base: '',
  credentials: async () => ({ nora: { 'x-session': 'nora-token' }, ned: { 'x-session': 'ned-token' }, sam: { 'x-session': 'sam-token' } }),
  chat: { north: '/v1/orgs/north/chat', south: '/v1/orgs/south/projects/web/chat' },
  foreign: ['/v1/orgs/north/chat', '/v1/orgs/north/projects/web/chat', '/v1/orgs/south/projects/kiosk/chat'],
  own: { path: '/', answer: 'The shop is open.' },
}

describeHost(host, (stage) => {
  test('`ambit start ambit.config.ts` serves the same', async () => {
    const { app, environment, credentials } = stage()
    const server = await app.start(['npx', 'ambit', 'start', 'ambit.config.ts'], environment, '/health/ready')
    const response = await fetch(`${server.url}/v1/orgs/south/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...credentials.sam },
      body: JSON.stringify(question('served', 'Count all orders')),
    })
    const { chunks } = await readStream(response)
    expect(chunks.find((chunk) => chunk.type === 'tool-output-available')?.output).toEqual({ orders: 1 })
    expect(await server.end()).toBe(true)
  })
})
