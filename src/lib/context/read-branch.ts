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
}

/** The branch that ends in this message, oldest first: walked over the skeletons, then filled with what may be seen. */
export async function readBranch(
  sql: ScopedSql,
  end: { projectId: string; threadId: string; leafId: string; limit: number },
): Promise<readonly BranchMessage[]> {
  const branch = await listBranch(sql, end)
  const contents = await readContents(sql, end, branch.map((message) => message.id))
  const reads = await readReadSets(sql, end.projectId, [...contents.values()].flatMap((content) => content.run_id ?? []))
  return branch.map(({ id, role }) => {
    const content = contents.get(id)
    return { role, parts: content?.parts ?? null, reads: reads.get(content?.run_id ?? '') ?? [] }
  })
}
