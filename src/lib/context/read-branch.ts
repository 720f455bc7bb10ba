import { readAttachments } from './attachments.ts'
import type { Attachment, FileBounds } from './attachments.ts'
import { readContents } from '../store/content-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { listBranch } from '../store/message-rows.ts'
import { readReadSets } from '../store/read-set-rows.ts'

/** A message of a branch, with what the reader may see of it. */
export interface BranchMessage {
  readonly role: 'user' | 'assistant'
  /** JSON text: UI message parts. Null is hidden, or not said yet. */
  readonly parts: string | null
  /** The projects that it was drawn from. */
  readonly reads: readonly string[]
  /** What the person attached. */
  readonly files?: readonly Attachment[]
}

/** The branch that ends in this message, oldest first: walked over the skeletons, then filled with what may be seen. */
export async function readBranch(
  sql: ScopedSql,
  end: { projectId: string; threadId: string; leafId: string; limit: number },
  bounds: FileBounds,
): Promise<readonly BranchMessage[]> {
  const branch = await listBranch(sql, end)
  const contents = await readContents(sql, end, branch.map((message) => message.id))
  const reads = await readReadSets(sql, end.projectId, [...contents.values()].flatMap((content) => content.run_id ?? []))
  const partsOf = ({ id }: { readonly id: string }) => contents.get(id)?.parts ?? null
  const files = await readAttachments(sql, end.projectId, branch.map((message) => (message.role === 'user' ? partsOf(message) : null)), bounds)
  return branch.map((message, index) => {
    const attached = files[index] ?? []
    const read = reads.get(contents.get(message.id)?.run_id ?? '') ?? []
    return { role: message.role, parts: partsOf(message), reads: read, ...(attached.length > 0 && { files: attached }) }
  })
}
