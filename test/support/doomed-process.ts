import { createAmbit, createLog } from '../../src/index.ts'
import { PassThrough } from 'node:stream'
import { callsTools, says, scriptedModel } from './scripted-model.ts'
import { z } from 'zod'

/**
 * A process that is killed in mid-answer: it answers one question on the database it is given (a finished step with a tool,
 * then half a sentence) and writes what its reader got to standard output, until it dies.
 */
const [url = '', key = '', path = '', thread = ''] = process.argv.slice(2)
const never = new Promise<never>(() => {})
const ambit = createAmbit<never>({
  store: url,
  model: scriptedModel(callsTools(['count', {}]), [...says('Half a sentence ').slice(0, 3), never]),
  authenticate: async (request, { authenticateKey }) => {
    const credential = await authenticateKey(request.headers.get('authorization'))
    return credential.ok ? credential.principal : null
  },
  tools: [{ name: 'count', description: 'Counts.', input: z.object({}), effect: 'read', run: () => 1 }],
  log: createLog({ level: 'info', destination: new PassThrough().resume() }),
  node: 'doomed',
})
const response = await ambit.fetch(
  new Request(`http://ambit.test${path}/chat`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id: thread, message: { id: 'q1', role: 'user', parts: [{ type: 'text', text: 'Go on.' }] } }),
  }),
)
for await (const bytes of response.body ?? []) process.stdout.write(bytes)
