import type { ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

export interface DocumentRow {
  readonly id: string
  readonly project_id: string
  readonly title: string
  readonly media_type: string
  readonly body: string
}

export interface DocumentTitleRow {
  readonly id: string
  readonly project_id: string
  readonly title: string
  readonly media_type: string
  readonly opening: string
  readonly updated_at: string
}

export interface DocumentHitRow {
  readonly id: string
  readonly project_id: string
  readonly title: string
  readonly media_type: string
  readonly snippet: string
}

/** One text search configuration for writing and asking: lexemes of two would not meet. */
const LANGUAGE = "'english'"
const MAX_TERMS = 32

/** Writes a document and its postings; a document of the same id in the project is replaced. */
export async function putDocument(
  sql: ScopedSql,
  document: { projectId: string; id: string; title: string; mediaType: string; body: string },
): Promise<void> {
  const { projectId, id, title, mediaType, body } = document
  await sql.query('delete from ambit.documents where project_id = $1 and id = $2', [projectId, id])
  await sql.query(
    `insert into ambit.documents (org_id, project_id, id, title, media_type, body)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5)`,
    [projectId, id, title, mediaType, body],
  )
  // The title counts three times: who asks for "deployment runbook" means the document of that name.
  await sql.query(
    `insert into ambit.postings (org_id, project_id, document_id, lexeme, weight)
     select current_setting('ambit.org_id'), $1, $2, lexeme, coalesce(array_length(positions, 1), 1)
     from unnest(to_tsvector(${LANGUAGE}, concat_ws(' ', $3::text, $3::text, $3::text, $4::text)))`,
    [projectId, id, title, body],
  )
}

/**
 * The documents of the scope that answer a question best, ranked by rarity and frequency of its words (BM25 without
 * the corpus: counting every visible document would scan them, and a constant only shifts the rarity of all words
 * alike). The words go in as parameters of an equality, so that the index serves under row-level security.
 */
export async function searchDocuments(sql: ScopedSql, query: string, limit: number): Promise<readonly DocumentHitRow[]> {
  const words = query.replaceAll('\0', ' ') // no NUL in PostgreSQL's text
  const terms = await sql.query<{ lexeme: string }>(
    `select lexeme from unnest(to_tsvector(${LANGUAGE}, $1)) limit ${MAX_TERMS}`,
    [words],
  )
  const lexemes = terms.rows.map((row) => row.lexeme)
  if (lexemes.length === 0) return []
  const { rows } = await sql.query<DocumentHitRow>(SEARCH, [lexemes, limit, words])
  return rows
}

/** Exported for the test that reads its plan. */
export const SEARCH = `
  with hit as (
    select p.org_id, p.project_id, p.document_id, p.weight, count(*) over (partition by p.lexeme) as documents
    from ambit.postings p where p.lexeme = any($1::text[])
  ), ranked as (
    select org_id, project_id, document_id, sum(ln(1 + 1000000.0 / documents) * weight / (weight + 1.2)) as score
    from hit group by org_id, project_id, document_id
    order by score desc, document_id limit $2
  )
  select d.id, d.project_id, d.title, d.media_type,
         ts_headline(${LANGUAGE}, d.body, replace(plainto_tsquery(${LANGUAGE}, $3)::text, '&', '|')::tsquery,
                     'StartSel="", StopSel="", MaxFragments=2, MaxWords=40, MinWords=15, FragmentDelimiter=" … "') as snippet
  from ranked r
  join ambit.documents d on d.org_id = r.org_id and d.project_id = r.project_id and d.id = r.document_id
  order by r.score desc, r.document_id`

export async function findDocument(sql: ScopedSql, id: string): Promise<DocumentRow | null> {
  const { rows } = await sql.query<DocumentRow>(
    'select id, project_id, title, media_type, body from ambit.documents where id = $1 limit 1',
    [id],
  )
  return rows[0] ?? null
}

/** The beginning of a document: a body may be far longer than anybody will be told. */
export async function readOpening(sql: ScopedSql, id: string, chars: number): Promise<(Omit<DocumentRow, 'body'> & { readonly opening: string }) | null> {
  const { rows } = await sql.query<Omit<DocumentRow, 'body'> & { opening: string }>(
    'select id, project_id, title, media_type, left(body, $2) as opening from ambit.documents where id = $1 limit 1',
    [id, chars],
  )
  return rows[0] ?? null
}

/** What there is to read in a project (or, with `*`, of the organisation itself), the last changed first. */
export async function listDocuments(sql: ScopedSql, projectId: string, limit: number): Promise<readonly DocumentTitleRow[]> {
  const { rows } = await sql.query<DocumentTitleRow>(
    `select id, project_id, title, media_type, left(body, 280) as opening, ${isoTime('updated_at')} as updated_at
     from ambit.documents where project_id = $1 order by updated_at desc, id limit $2`,
    [projectId, limit],
  )
  return rows
}
