import type { ScopedSql } from './handles.ts'

/** One text search configuration for writing and asking: lexemes of two would not meet. */
export const LANGUAGE = "'english'"
/** A row is written in 25 µs, and a statement has five seconds: a megabyte of words that nobody uses twice would not be done. */
const MAX_LEXEMES = 40_000
/** What is made of one text has a megabyte at the most, and tells positions apart up to the 16,383rd. */
const PIECE_CHARS = 50_000

/** Replaces the postings of a document, in the transaction that wrote it. */
export async function indexDocument(
  sql: ScopedSql,
  { project_id: projectId, id, title, body }: { readonly project_id: string; readonly id: string; readonly title: string; readonly body: string },
): Promise<void> {
  await sql.query('delete from ambit.postings where project_id = $1 and document_id = $2', [projectId, id])
  // The title counts three times: who asks for "deployment runbook" means the document of that name.
  await sql.query(
    `insert into ambit.postings (org_id, project_id, document_id, lexeme, weight)
     select current_setting('ambit.org_id'), $1, $2, lexeme, sum(coalesce(array_length(positions, 1), 1)) as weight
     from unnest($3::text[]) as piece, unnest(to_tsvector(${LANGUAGE}, piece))
     group by lexeme order by weight desc, lexeme limit ${MAX_LEXEMES}`,
    [projectId, id, [`${title} ${title} ${title}`, ...piecesOf(body)]],
  )
}

/** Cut between words, where there is a place between words. */
function piecesOf(text: string): readonly string[] {
  const pieces: string[] = []
  for (let from = 0; from < text.length; ) {
    const to = endOfPiece(text, from)
    pieces.push(text.slice(from, to))
    from = to
  }
  return pieces
}

function endOfPiece(text: string, from: number): number {
  const to = from + PIECE_CHARS
  if (to >= text.length) return text.length
  const space = Math.max(text.lastIndexOf(' ', to), text.lastIndexOf('\n', to))
  return space > from ? space : to
}
