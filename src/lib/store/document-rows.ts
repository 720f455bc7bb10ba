import type { ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'
import { indexDocument } from './posting-rows.ts'

export interface DocumentRow {
  readonly id: string
  readonly project_id: string
  readonly title: string
  readonly media_type: string
  readonly body: string
  /** Of the body. */
  readonly chars: number
  readonly updated_at: string
}

/** A document as a list shows it. */
export interface DocumentTitleRow extends Omit<DocumentRow, 'body'> {
  readonly opening: string
}

export interface NewDocument {
  readonly projectId: string
  readonly id: string
  readonly title: string
  readonly mediaType: string
  readonly body: string
}

/** A document by its id, as a scope finds it: what the scope's own home has comes before what other projects have. */
export interface DocumentAddress {
  readonly home: string
  readonly id: string
}

const COLUMNS = `id, project_id, title, media_type, chars, ${isoTime('updated_at')} as updated_at`
const FOUND = 'from ambit.documents where id = $1 order by (project_id = $2) desc, project_id limit 1'

/** Writes a document and its postings; a document of the same id in the project is replaced. */
export async function putDocument(sql: ScopedSql, document: NewDocument): Promise<void> {
  await deleteDocument(sql, document)
  await insertDocument(sql, document)
}

/** A document that is new, with its postings. */
export async function insertDocument(sql: ScopedSql, document: NewDocument): Promise<DocumentRow> {
  const { projectId, id, title, mediaType, body } = document
  const { rows } = await sql.query<DocumentRow>(
    `insert into ambit.documents (org_id, project_id, id, title, media_type, body)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5) returning ${COLUMNS}, body`,
    [projectId, id, title, mediaType, body],
  )
  const [row] = rows
  if (!row) throw new Error('A document was written and not given back.')
  await indexDocument(sql, row)
  return row
}

/** What changes of a document; what is absent stays. */
export interface DocumentChange {
  readonly title?: string | undefined
  readonly mediaType?: string | undefined
  readonly body?: string | undefined
  /** The `updated_at` that it must still have; absent: whatever it has. */
  readonly base?: string | undefined
}

/**
 * Changes a document and its postings; null where it is not there, or no longer as it was. Its time moves with every change, also with two
 * in one microsecond: by it a caller knows whether what he read is what he changes.
 */
export async function updateDocument(
  sql: ScopedSql,
  { projectId, id, title, mediaType, body, base }: { readonly projectId: string; readonly id: string } & DocumentChange,
): Promise<DocumentRow | null> {
  const { rows } = await sql.query<DocumentRow>(
    `update ambit.documents set title = coalesce($3, title), media_type = coalesce($4, media_type), body = coalesce($5, body),
       updated_at = greatest(now(), updated_at + interval '1 microsecond')
     where project_id = $1 and id = $2 and ($6::timestamptz is null or updated_at = $6::timestamptz)
     returning ${COLUMNS}, body`,
    [projectId, id, title ?? null, mediaType ?? null, body ?? null, base ?? null],
  )
  const [row] = rows
  if (row && (title !== undefined || body !== undefined)) await indexDocument(sql, row)
  return row ?? null
}

/** Its postings go with it. Answers whether it was there. */
export async function deleteDocument(sql: ScopedSql, { projectId, id }: Pick<NewDocument, 'projectId' | 'id'>): Promise<boolean> {
  const { count } = await sql.query('delete from ambit.documents where project_id = $1 and id = $2', [projectId, id])
  return count > 0
}

export async function findDocument(sql: ScopedSql, { home, id }: DocumentAddress): Promise<DocumentRow | null> {
  const { rows } = await sql.query<DocumentRow>(`select ${COLUMNS}, body ${FOUND}`, [id, home])
  return rows[0] ?? null
}

/** The project of a document that the scope shows. */
export async function findDocumentHome(sql: ScopedSql, { home, id }: DocumentAddress): Promise<string | null> {
  const { rows } = await sql.query<{ project_id: string }>(`select project_id ${FOUND}`, [id, home])
  return rows[0]?.project_id ?? null
}

/** The beginning of a document: a body may be far longer than anybody will be told. */
export async function readOpening(sql: ScopedSql, { home, id }: DocumentAddress, chars: number): Promise<DocumentTitleRow | null> {
  const { rows } = await sql.query<DocumentTitleRow>(`select ${COLUMNS}, left(body, $3) as opening ${FOUND}`, [id, home, chars])
  return rows[0] ?? null
}

/** Of a document in a list. */
export const OPENING_CHARS = 280

/** What there is to read in a project (or, with `*`, of the organisation itself), the last changed first. */
export async function listDocuments(sql: ScopedSql, projectId: string, limit: number): Promise<readonly DocumentTitleRow[]> {
  const { rows } = await sql.query<DocumentTitleRow>(
    `select ${COLUMNS}, left(body, ${OPENING_CHARS}) as opening
     from ambit.documents where project_id = $1 order by updated_at desc, id limit $2`,
    [projectId, limit],
  )
  return rows
}

/** A place in a list over projects, in which an id alone may stand twice. */
export interface DocumentPlace {
  readonly at: string
  readonly id: string
  readonly projectId: string
}

/** A page of all that the scope shows, the last changed first. The keys first: to sort the rest would read every body. */
export async function listScopeDocuments(
  sql: ScopedSql,
  { limit, after }: { readonly limit: number; readonly after?: DocumentPlace | undefined },
): Promise<readonly DocumentTitleRow[]> {
  const { rows } = await sql.query<DocumentTitleRow>(
    `with page as materialized (
       select org_id, project_id, id from ambit.documents
       where $1::timestamptz is null or (updated_at, id, project_id) < ($1::timestamptz, $2, $3)
       order by updated_at desc, id desc, project_id desc limit $4
     )
     select d.id, d.project_id, d.title, d.media_type, d.chars, ${isoTime('d.updated_at')} as updated_at, left(d.body, ${OPENING_CHARS}) as opening
     from page p join ambit.documents d on d.org_id = p.org_id and d.project_id = p.project_id and d.id = p.id
     order by d.updated_at desc, d.id desc, d.project_id desc`,
    [after?.at ?? null, after?.id ?? '', after?.projectId ?? '', limit],
  )
  return rows
}
