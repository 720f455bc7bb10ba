import { DEFAULT_LIMITS } from '../../src/lib/limits/limits.ts'
import { createContext } from '../../src/lib/scope/chat-execution-context.ts'
import type { ChatExecutionContext, ChatExecutionFacts } from '../../src/lib/scope/chat-execution-context.ts'

/** A context of an organisation, as somebody would get it who sees these projects. */
export function contextOf(subject: string, projectIds: readonly string[], facts: Partial<ChatExecutionFacts> = {}): ChatExecutionContext {
  return createContext({
    principal: { subject, kind: 'person' },
    target: { org: 'acme' },
    org: { id: 'org-1', slug: 'acme', name: 'Acme' },
    project: null,
    role: 'member',
    grants: [],
    may: ['read', 'write', 'chat'],
    places: projectIds.map((id) => ({ id, slug: id, name: id })),
    rows: { orgId: 'org-1', projectIds: [...projectIds, '*'], userId: subject },
    models: ['offline'],
    tools: [],
    instructions: { org: '', project: '' },
    limits: DEFAULT_LIMITS,
    version: null,
    ...facts,
  })
}
