import { z } from 'zod'
import type { Place } from '../directory/directory.ts'
import type { Limits } from '../limits/limits.ts'
import { mayAs } from '../scope/resolve-chat-scope.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { nameOf } from './me-routes.ts'
import { documented } from './operation.ts'
import type { Answer, Operation } from './operation.ts'
import { json } from './respond.ts'

const placeSchema = z.object({ slug: z.string(), name: z.string(), about: z.string() }).register(documented, { id: 'Place' })

export const limitsSchema = z
  .object({
    message_chars: z.int(),
    message_bytes: z.int(),
    history_messages: z.int(),
    context_tokens: z.int(),
    steps: z.int(),
    calls: z.int(),
    run_ms: z.int(),
    queue: z.int(),
    user_streams: z.int(),
  })
  .register(documented, { id: 'ScopeLimits' })

export const role = z.enum(['owner', 'admin', 'member', 'viewer'])
export const permission = z.enum(['read', 'write', 'chat', 'admin'])
export const principalSchema = z.object({ subject: z.string(), kind: z.enum(['person', 'service']), name: z.string().nullable() })

const scopeSchema = z
  .object({
    org: placeSchema,
    project: placeSchema.nullable(),
    role,
    may: z.array(permission).describe('By the role. Whether a chat is possible now, `chat_refusal` says.'),
    models: z.array(z.string()).describe('Names, and patterns that end in `*`; the default first.'),
    image_models: z.array(z.string()).describe('Those of them that take images.'),
    tools: z.array(z.object({ name: z.string(), description: z.string(), effect: z.enum(['read', 'write', 'idempotent', 'with-ledger']) })),
    limits: limitsSchema,
    chat_refusal: z.object({ code: z.string(), detail: z.string() }).nullable().describe('What a chat would be refused with now; null: it would begin.'),
    directory: z.enum(['own', 'host']).describe('Who keeps organisations, people and keys: Ambit, or the host.'),
    principal: principalSchema,
  })
  .register(documented, { id: 'Scope' })

export type Scope = z.output<typeof scopeSchema>

export const getScopeOperation = {
  id: 'getScope',
  summary: 'What this place lets the caller do, and with what.',
  answers: { 200: scopeSchema },
} satisfies Operation

/** `GET …/scope`: what a page must know to show nothing that would be refused. Not a right: every route decides for itself. */
export async function getScope({ who, context, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getScopeOperation>> {
  // The very answer that a chat would get, so that the two cannot come apart.
  const chat = await house.resolveCallable(who, context.target, 'chat')
  return json<Scope>(
    {
      // Whoever is in a project only is told what its organisation is called, and not what it says of itself; here as in what a model is told.
      org: { ...describePlace(context.org), ...(context.project && { about: '' }) },
      project: context.project && describePlace(context.project),
      role: context.role,
      may: [...mayAs(context.role)],
      models: [...context.models],
      image_models: context.models.filter(house.takesImages),
      tools: [...house.tools(context)],
      limits: describeLimits(context.limits),
      chat_refusal: chat.ok ? null : { code: chat.code, detail: chat.detail },
      directory: house.keepsDirectory ? 'own' : 'host',
      principal: { subject: who.subject, kind: who.kind, name: nameOf(who) },
    },
    requestId,
  )
}

function describePlace({ slug, name, about = '' }: Place): Scope['org'] {
  return { slug, name, about }
}

/** Those that somebody who chats can meet. */
export function describeLimits(limits: Limits): Scope['limits'] {
  return {
    message_chars: limits.messageChars,
    message_bytes: limits.messageBytes,
    history_messages: limits.historyMessages,
    context_tokens: limits.contextTokens,
    steps: limits.steps,
    calls: limits.calls,
    run_ms: limits.runMs,
    queue: limits.queue,
    user_streams: limits.userStreams,
  }
}
