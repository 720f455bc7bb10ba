import { describeHost } from './support/host-contract.ts'

describeHost({
  name: 'express',
  credentials: async () => ({ nora: { cookie: 'session=nora-token' }, ned: { cookie: 'session=ned-token' }, sam: { cookie: 'session=sam-token' } }),
  chat: { north: '/v1/orgs/north/chat', south: '/v1/orgs/south/projects/web/chat' },
  foreign: ['/v1/orgs/north/chat', '/v1/orgs/north/projects/web/chat', '/v1/orgs/south/projects/kiosk/chat'],
  total: { ask: 'Sum up all orders', output: { sum: 78 } },
  own: {
    path: '/orders/search',
    init: { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ customer: 'Marlow' }) },
    answer: [{ id: 'n1', total: 70 }, { id: 'n2', total: 8 }],
  },
})
