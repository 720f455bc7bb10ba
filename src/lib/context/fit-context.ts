import type { OfferedTool } from '../model/prompt.ts'
import { allotTokens } from './allot-tokens.ts'
import type { Demand } from './allot-tokens.ts'
import type { MissingSlice, Slice } from './context-source.ts'
import { cutText, estimateTokens } from './estimate-tokens.ts'
import type { Attachment } from './attachments.ts'
import { cutHistory, tokensOf } from './history.ts'
import type { Manifest, ManifestEntry, SliceScope } from './manifest.ts'
import type { BranchMessage } from './read-branch.ts'
import { fileDemand, tellFile, withFiles } from './tell-files.ts'
import type { ToldMessage } from './tell-files.ts'

/** Everything that the model could be told when a run begins. */
export interface Offered {
  readonly slices: readonly Slice[]
  readonly missing: readonly MissingSlice[]
  /** The branch, oldest first: one message more than the limit, where there are more. Its last is the question, which is always told. */
  readonly branch: readonly BranchMessage[]
  readonly tools: readonly OfferedTool[]
  /** Whose the conversation is. */
  readonly home: SliceScope
}

/** What of it fits the budget. */
export interface Fitted {
  readonly slices: readonly Slice[]
  readonly branch: readonly ToldMessage[]
  /** Whether earlier messages of the conversation were left out. */
  readonly forgetful: boolean
  readonly manifest: Manifest
}

export interface Bounds {
  readonly contextTokens: number
  readonly historyMessages: number
}

const HISTORY_PRIORITY = 80
/** Of the budget, at most: a long conversation must not push out everything that it is about. */
const HISTORY_SHARE = 0.75

/** Of what a person attached to the question, before anything that Ambit adds. Its images are told as the question is. */
const QUESTION_FILES = { texts: 95, images: Infinity }
/** Of the budget, at most: one large file must not make the model forget what it is about. */
const FILES_SHARE = 0.75
/** Of what was attached before: after the conversation itself, so that what history gets does not depend on them. */
const EARLIER_FILES = { texts: 78, images: 79 }

/** Cuts what the model is told to a budget of tokens, by priority, and records what became of each piece. */
export function fitContext(offered: Offered, { contextTokens: budget, historyMessages }: Bounds): Fitted {
  const { slices, missing, branch, tools, home } = offered
  const history = withinLimit(branch, historyMessages)
  const question = branch.slice(-1)
  const fixed = [demand(toolTokens(tools), Infinity), demand(tokensOf(question), Infinity)] as const
  const told: Demand = { ...demand(tokensOf(history), HISTORY_PRIORITY), most: Math.floor(budget * HISTORY_SHARE) }
  const wanted = slices.map((slice) => demand(estimateTokens(slice.text), slice.priority))
  const asked = withinShare(demandsOf(question, QUESTION_FILES), Math.floor(budget * FILES_SHARE))
  const [forHistory = 0] = allotTokens([told, ...wanted, ...asked, ...fixed], budget)
  const kept = cutHistory(history, forHistory)
  // Only of messages that are told: what went with them would take its part of the budget from what is.
  const files = [...asked, ...demandsOf(kept.toReversed(), EARLIER_FILES)]
  const allotted = allotTokens([told, ...wanted, ...files, ...fixed], budget).slice(1)

  const atLimit = branch.length > historyMessages
  const cut = slices.map((slice, index) => cutSlice(slice, wanted[index]?.tokens ?? 0, allotted[index] ?? 0))
  const toldFiles = files.map(({ file }, index) => tellFile(file, allotted[slices.length + index] ?? 0, home))
  return {
    slices: cut.flatMap(({ slice }) => slice ?? []),
    branch: [...kept, ...question].map((row) => withFiles(row, toldFiles.filter((_, index) => files[index]?.row === row))),
    forgetful: atLimit || kept.length < history.length,
    manifest: {
      budget,
      entries: [
        ...cut.map(({ entry }) => entry),
        ...missing.map((one): ManifestEntry => ({ ...one, tokens: 0, told: 0, outcome: 'dropped' })),
        whole('tools', 'installation', fixed[0].tokens),
        ...(history.length === 0 ? [] : [historyEntry(history, kept, { home, atLimit })]),
        ...toldFiles.map(({ entry }) => entry),
        whole('question', home, fixed[1].tokens),
      ],
    },
  }
}

interface FileOfMessage extends Demand {
  readonly row: BranchMessage
  readonly file: Attachment
}

/** None gets more than what all of them together leave it. */
function withinShare(files: readonly FileOfMessage[], tokens: number): readonly FileOfMessage[] {
  const shares = allotTokens(files, tokens)
  return files.map((file, index) => ({ ...file, most: shares[index] ?? 0 }))
}

function demandsOf(rows: readonly BranchMessage[], priorities: { readonly texts: number; readonly images: number }): readonly FileOfMessage[] {
  return rows.flatMap((row) => (row.files ?? []).map((file) => ({ row, file, ...fileDemand(file, priorities) })))
}

/** What came before the question, up to the limit of messages, and not with an answer first whose question is beyond it. */
function withinLimit(branch: readonly BranchMessage[], limit: number): readonly BranchMessage[] {
  const before = branch.slice(-limit, -1)
  const first = before.findIndex((row) => row.role === 'user')
  return first < 0 ? [] : before.slice(first)
}

function demand(tokens: number, priority: number): Demand {
  return { tokens, priority }
}

function toolTokens(tools: readonly OfferedTool[]): number {
  return estimateTokens(JSON.stringify(tools.map(({ name, description, inputSchema }) => [name, description, inputSchema])))
}

const MARK = '\n(The rest is left out.)'

function cutSlice(slice: Slice, tokens: number, allotted: number): { readonly slice: Slice | null; readonly entry: ManifestEntry } {
  const { source, scope, about } = slice
  const named = { source, scope, tokens, ...(about && { about }) }
  if (allotted >= tokens) return { slice, entry: { ...named, told: tokens, outcome: 'kept', reason: null } }
  if (allotted === 0) return { slice: null, entry: { ...named, told: 0, outcome: 'dropped', reason: 'budget' } }
  const text = cutText(slice.text, allotted - estimateTokens(MARK)) + MARK
  return { slice: { ...slice, text }, entry: { ...named, told: estimateTokens(text), outcome: 'cut', reason: 'budget' } }
}

/** The messages beyond the limit were never read: how many there are is not known. */
function historyEntry(
  history: readonly BranchMessage[],
  kept: readonly BranchMessage[],
  { home, atLimit }: { readonly home: SliceScope; readonly atLimit: boolean },
): ManifestEntry {
  const all = kept.length === history.length
  return {
    source: 'history',
    scope: home,
    tokens: tokensOf(history),
    told: tokensOf(kept),
    outcome: all && !atLimit ? 'kept' : kept.length === 0 ? 'dropped' : 'cut',
    reason: all ? (atLimit ? 'limit' : null) : 'budget',
    messages: { told: kept.length, of: history.length },
  }
}

function whole(source: string, scope: SliceScope, tokens: number): ManifestEntry {
  return { source, scope, tokens, told: tokens, outcome: 'kept', reason: null }
}
