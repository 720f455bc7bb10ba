import { pipeline } from 'node:stream/promises'
import { given } from '../parent.ts'
import { askUpstream } from './ask-upstream.ts'
import { serve } from './serve.ts'

// A, the floor below every floor: the upstream's bytes, unread. No useful chat server can be this cheap.

const { upstream } = given<{ upstream: string }>()

await serve(async (request, response) => {
  const answer = await askUpstream(upstream, request)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  await pipeline(answer, response)
})
