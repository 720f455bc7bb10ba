import { once } from 'node:events'
import { given } from '../parent.ts'
import { askUpstream } from './ask-upstream.ts'
import { serve } from './serve.ts'

// B, the floor: reads the upstream's events and writes those of the UI message stream, by hand and with nothing else.

interface Completion {
  readonly choices: readonly { readonly delta?: { readonly content?: string }; readonly finish_reason?: string | null }[]
}

const { upstream } = given<{ upstream: string }>()

await serve(async (request, response) => {
  const answer = await askUpstream(upstream, request)
  answer.setEncoding('utf8')
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-vercel-ai-ui-message-stream': 'v1' })
  response.write(event({ type: 'start', messageId: 'm' }) + event({ type: 'start-step' }) + event({ type: 'text-start', id: '1' }))
  let rest = ''
  for await (const text of answer as AsyncIterable<string>) {
    const events = (rest + text).split('\n\n')
    rest = events.pop() ?? ''
    const out = events.map(translate).join('')
    if (out !== '' && !response.write(out)) await once(response, 'drain')
  }
  response.end('data: [DONE]\n\n')
})

function translate(line: string): string {
  if (line === 'data: [DONE]') return ''
  const [choice] = (JSON.parse(line.slice('data: '.length)) as Completion).choices
  const delta = choice?.delta?.content
  if (delta) return event({ type: 'text-delta', id: '1', delta })
  if (!choice?.finish_reason) return ''
  return event({ type: 'text-end', id: '1' }) + event({ type: 'finish-step' }) + event({ type: 'finish', finishReason: choice.finish_reason })
}

function event(chunk: object): string {
  return `data: ${JSON.stringify(chunk)}\n\n`
}
