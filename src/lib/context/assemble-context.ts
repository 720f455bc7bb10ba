import type { OfferedTool, PromptMessage } from '../model/prompt.ts'
import type { Log } from '../observe/log.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { Handles } from '../store/handles.ts'
import { DOCUMENT, loadDocuments } from './about-documents.ts'
import { askSources } from './ask-sources.ts'
import type { BoundSource } from './ask-sources.ts'
import { createCitations } from './citations.ts'
import type { Citations } from './citations.ts'
import type { MissingSlice, Slice } from './context-source.ts'
import { fitContext } from './fit-context.ts'
import { historyPrompt } from './history.ts'
import type { Manifest } from './manifest.ts'
import type { MessagePart } from '../wire/message-parts.ts'
import type { ObjectRef } from './object-ref.ts'
import { loadOwnSources } from './own-sources.ts'
import { readBranch } from './read-branch.ts'
import { rulesOf, systemPrompt } from './system-prompt.ts'

/** Characters of a token at the most: more of a document than the whole budget holds is not read. */
const MOST_CHARS = 3

/** Everything that is the same for every run of an installation. */
export interface ContextParts {
  readonly scoped: Handles['scoped']
  readonly sources: readonly BoundSource[]
  instructions(context: ChatExecutionContext): string
}

/** The run that the context is for. */
export interface ContextRequest {
  readonly threadId: string
  readonly userMessageId: string
  readonly about: readonly ObjectRef[]
  /** Whether the model takes images. */
  readonly images: boolean
  /** What the model is offered beside what it is told: it takes its part of the budget. */
  readonly tools: readonly OfferedTool[]
  /** What the answer says already, where the run goes on from there. */
  readonly said: readonly MessagePart[]
  readonly signal: AbortSignal
  readonly log: Log
}

/** What the model is told when a run begins. */
export interface AssembledContext {
  readonly system: string
  readonly messages: readonly PromptMessage[]
  readonly citations: Citations
  readonly manifest: Manifest
  /** The projects whose rows are in it: they are in the run's read set before the model is called. */
  readonly reads: readonly string[]
}

/** Reads Ambit's own material and the thread's history in one transaction, asks the host's sources, and cuts it all to the budget. */
export async function assembleContext(parts: ContextParts, context: ChatExecutionContext, request: ContextRequest): Promise<AssembledContext> {
  const { limits } = context
  const asked = parts.sources.flatMap((source) => source.about ?? [])
  const documents = asked.includes(DOCUMENT) ? [] : request.about.filter(({ type }) => type === DOCUMENT)
  const [ownSlices, ownDocuments, branch] = await parts.scoped(context.rows, (sql) =>
    Promise.all([
      loadOwnSources({ context, sql, threadId: request.threadId }),
      loadDocuments(sql, documents, { home: homeOf(context), maxChars: limits.contextTokens * MOST_CHARS }),
      readBranch(
        sql,
        { projectId: homeOf(context), threadId: request.threadId, leafId: request.userMessageId, limit: limits.historyMessages + 1 },
        { textBytes: limits.contextTokens * MOST_CHARS, imagesBytes: limits.imagesBytes, historyImages: request.images ? limits.historyImages : null },
      ),
    ]),
  )
  const answers = [...ownDocuments, ...(await askSources(parts.sources, context, request))]
  const slices = answers.filter((answer): answer is Slice => 'text' in answer)
  const missing = answers.filter((answer): answer is MissingSlice => 'reason' in answer)
  const unresolved = request.about.filter(({ type }) => type !== DOCUMENT && !asked.includes(type))
  const fitted = fitContext(
    {
      slices: [...spokenTo(context, parts.instructions(context)), ...slices, ...ownSlices],
      missing: [...missing, ...unresolved.map((about): MissingSlice => ({ source: 'about', scope: 'installation', reason: 'no_source', about }))],
      branch,
      tools: request.tools,
      home: context.project ? 'project' : 'organisation',
    },
    limits,
  )
  const citations = createCitations(branch, fitted.branch, request.said)
  return {
    system: systemPrompt(fitted.slices, { cite: citations.cite, forgetful: fitted.forgetful }),
    messages: historyPrompt(fitted.branch),
    citations,
    manifest: fitted.manifest,
    reads: [...new Set([...fitted.slices, ...fitted.branch].flatMap(({ reads }) => reads))],
  }
}

/** What speaks to the model and is never cut: the rules, and the instructions of host, organisation and project. */
function spokenTo(context: ChatExecutionContext, hostInstructions: string): readonly Slice[] {
  const { org, project } = context.instructions
  const always = { priority: Infinity, reads: [] }
  const all: readonly Slice[] = [
    { ...always, source: 'rules', scope: 'installation', kind: 'rules', text: rulesOf(context) },
    { ...always, source: 'instructions', scope: 'installation', kind: 'instructions', text: hostInstructions },
    { ...always, source: 'instructions', scope: 'organisation', kind: 'instructions', text: org },
    { ...always, source: 'instructions', scope: 'project', kind: 'instructions', text: project },
  ]
  return all.filter(({ text }) => text !== '')
}
