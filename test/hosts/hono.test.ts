import { describeHost } from './support/host-contract.ts'

describeHost({
  name: 'hono',
  credentials: async () => ({ nora: { cookie: 'session=nora-token' }, ned: { cookie: 'session=ned-token' }, sam: { cookie: 'session=sam-token' } }),
  chat: { north: '/v1/orgs/north/chat', south: '/v1/orgs/south/projects/web/chat' },
  foreign: ['/v1/orgs/north/chat', '/v1/orgs/north/projects/web/chat', '/v1/orgs/south/projects/kiosk/chat'],
  total: { ask: 'Sum up all orders', output: { sum: 78 } },
  own: { path: '/accounts', answer: [{ name: 'North Ltd' }, { name: 'South Ltd' }] },
})
