import { OPENING_CHARS } from './document-rows.ts'
import type { DocumentTitleRow } from './document-rows.ts'
import type { ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'
import { LANGUAGE } from './posting-rows.ts'

export interface DocumentHitRow extends DocumentTitleRow {
  readonly snippet: string
}

const MAX_TERMS = 32
/** A snippet of a longer document is cut from so much of it, around the rarest of the words: all of a megabyte takes 0.1 s. */
const SNIPPET_CHARS = 50_000

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

/** A word is found again by its lexeme but for the last letter, which is often another one ("policy" is "polici"). Never before the first character. */
const AROUND_RAREST = `substr(d.body, greatest(1, case when d.chars > ${SNIPPET_CHARS}
  then strpos(lower(d.body), left(r.rarest, greatest(3, length(r.rarest) - 1))) - 1000 else 1 end), ${SNIPPET_CHARS})`

/** Exported for the test that reads its plan. */
export const SEARCH = `
  with hit as (
    select p.org_id, p.project_id, p.document_id, p.lexeme, p.weight, count(*) over (partition by p.lexeme) as documents
    from ambit.postings p where p.lexeme = any($1::text[])
  ), ranked as (
    select org_id, project_id, document_id, sum(ln(1 + 1000000.0 / documents) * weight / (weight + 1.2)) as score,
           (array_agg(lexeme order by documents, lexeme))[1] as rarest
    from hit group by org_id, project_id, document_id
    order by score desc, document_id limit $2
  )
  select d.id, d.project_id, d.title, d.media_type, d.chars, ${isoTime('d.updated_at')} as updated_at, left(d.body, ${OPENING_CHARS}) as opening,
         ts_headline(${LANGUAGE}, ${AROUND_RAREST}, replace(plainto_tsquery(${LANGUAGE}, $3)::text, '&', '|')::tsquery,
                     'StartSel="", StopSel="", MaxFragments=2, MaxWords=40, MinWords=15, FragmentDelimiter=" … "') as snippet
  from ranked r
  join ambit.documents d on d.org_id = r.org_id and d.project_id = r.project_id and d.id = r.document_id
  order by r.score desc, r.document_id`
