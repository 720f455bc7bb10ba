import type { FastifyPluginCallback } from 'fastify'
import { toNodeListener } from './node.ts'
import type { Fetch } from './node.ts'

/**
 * An Ambit as a plugin of Fastify 5: `app.register(toFastify(ambit), { prefix: '/api/ambit' })`, where its `basePath` is
 * `/api/ambit`. Within the plugin, and nowhere else, no body is parsed: Ambit reads it within its own bounds.
 */
export function toFastify(ambit: Fetch): FastifyPluginCallback {
  const listener = toNodeListener(ambit)
  return (scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null))
    scope.all('/*', (request, reply) => {
      // What the host's hooks have said so far (CORS, security headers) waits on the reply, which is not used any more.
      for (const [name, value = ''] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value)
      reply.hijack()
      listener(request.raw, reply.raw)
    })
    done()
  }
}
