import { z } from 'zod'
import { SLUG_PATTERN } from '../directory/create-place.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { homeOf, rowsToChange } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { ScopedSql } from '../store/handles.ts'
import { findMemberRole, putMember } from '../store/member-rows.ts'
import { insertOwnProject, listProjects, markDeleted, updateProject } from '../store/project-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { documented, name, plainText, role, time } from './operation.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { idPageQuery, next, parseIdPage } from './page.ts'
import { problem } from './problem.ts'
import { json, noContent } from './respond.ts'

/** Told in every run of the project, and never cut. */
const ABOUT_CHARS = 2_000

const about = plainText(ABOUT_CHARS)
const visibility = z.enum(['organisation', 'private'])

const newProject = z
  .object({
    slug: z.string().regex(new RegExp(SLUG_PATTERN), 'must be lower-case letters, digits and "-", at most 63, beginning with a letter or digit'),
    name,
    about: about.default(''),
    visibility: visibility.describe('`organisation`: every member of it is in. `private`: who is made a member.'),
  })
  .register(documented, { id: 'NewProject' })

const projectChange = z
  .object({ name: name.optional(), about: about.optional(), visibility: visibility.optional() })
  .refine((body) => Object.values(body).some((value) => value !== undefined), 'nothing to change: send name, about or visibility')
  .meta({ minProperties: 1 }) // of the generators that there are, some make `unknown` of a choice between what is required
  .register(documented, { id: 'ProjectChange' })

const projectSchema = z
  .object({ slug: z.string(), name: z.string(), about: z.string(), visibility, role: role.describe('Of the caller, in it.'), created_at: time })
  .register(documented, { id: 'Project' })

type Project = z.output<typeof projectSchema>

const projectsSchema = z.object({ projects: z.array(projectSchema), next }).register(documented, { id: 'ProjectPage' })

export const getProjectsOperation = {
  id: 'listProjects',
  summary: 'The projects of the organisation that the caller may see, by slug.',
  query: idPageQuery,
  answers: { 200: projectsSchema },
  refuses: ['malformed'],
} satisfies Operation

/** `GET /v1/orgs/{org}/projects`. */
export async function getProjects({ context, query, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getProjectsOperation>> {
  if (context.project) return problem(NOT_FOUND, requestId)
  const parsed = parseIdPage(query)
  if (!parsed.ok) return problem(parsed, requestId)
  const projects = await house.scoped(context.rows, (sql) => listProjects(sql, context.rows.userId, parsed.page))
  const last = projects.length === parsed.page.limit ? projects.at(-1) : undefined
  return json<z.output<typeof projectsSchema>>({ projects: [...projects], next: last?.slug ?? null }, requestId)
}

export const postProjectOperation = {
  id: 'createProject',
  summary: 'Makes a project. Who makes a private one owns it, and is alone in it.',
  body: newProject,
  answers: { 201: projectSchema },
  refuses: ['conflict'],
} satisfies Operation

/** The same for every slug that is not free: of a project that is seen, one that is private, and one that was deleted. */
const SLUG_TAKEN = refuse('conflict', 'This slug is not free. It may be that of a project which you do not see, or which was deleted: choose another one.')

/** `POST /v1/orgs/{org}/projects`. */
export async function postProject(exchange: ScopedExchange<BodyOf<typeof postProjectOperation>>, house: House): Promise<Answer<typeof postProjectOperation>> {
  const { context, body, requestId, log } = exchange
  if (context.project) return problem(NOT_FOUND, requestId)
  const id = house.newId('prj')
  const change = rowsToChange(context)
  const made = await house.scoped({ ...change, projectIds: [...change.projectIds, id] }, async (sql) => {
    const project = await insertOwnProject(sql, { ...body, id })
    if (project?.visibility === 'private') await keepIn(sql, { ...context, role: 'owner' }, id)
    return project
  })
  log.info({ subject: context.rows.userId, project: body.slug, made: made !== null }, made ? 'project made' : 'project not made: its slug is not free')
  if (!made) return problem(SLUG_TAKEN, requestId)
  return json<Project, 201>({ ...made, role: made.visibility === 'private' ? 'owner' : context.role }, requestId, 201)
}

export const patchProjectOperation = {
  id: 'changeProject',
  summary: 'Renames a project, says what it is about, or who is in it. Who makes it private stays in it.',
  body: projectChange,
  answers: { 200: projectSchema },
} satisfies Operation

/** `PATCH /v1/orgs/{org}/projects/{project}`. */
export async function patchProject(exchange: ScopedExchange<BodyOf<typeof patchProjectOperation>>, house: House): Promise<Answer<typeof patchProjectOperation>> {
  const { context, body, requestId, log } = exchange
  const changed = await house.scoped(rowsToChange(context), async (sql) => {
    const project = await updateProject(sql, homeOf(context), body)
    if (project && body.visibility === 'private') await keepIn(sql, context, homeOf(context))
    return project
  })
  if (!changed) return problem(NOT_FOUND, requestId)
  log.info({ subject: context.rows.userId, changed: Object.keys(body), ...(body.visibility && { visibility: body.visibility }) }, 'project changed')
  return json<Project>({ ...changed, role: context.role }, requestId)
}

export const deleteProjectOperation = {
  id: 'deleteProject',
  summary: 'Deletes a project: it is gone from everywhere at once, and its slug is not free again.',
  answers: { 204: 'nothing' },
} satisfies Operation

/** `DELETE /v1/orgs/{org}/projects/{project}`: its rows stay, and nobody reaches them. */
export async function deleteProject({ context, requestId, log }: ScopedExchange, house: House): Promise<Answer<typeof deleteProjectOperation>> {
  const deleted = await house.scoped(rowsToChange(context), (sql) => markDeleted(sql, homeOf(context)))
  if (!deleted) return problem(NOT_FOUND, requestId)
  log.info({ subject: context.rows.userId }, 'project deleted')
  return noContent(requestId)
}

/** A private project asks no role of the organisation: without one in it, whoever makes it so could not open it any more. */
async function keepIn(sql: ScopedSql, { role: own, rows: { userId: personId } }: Pick<ChatExecutionContext, 'role' | 'rows'>, projectId: string): Promise<void> {
  const before = await findMemberRole(sql, projectId, personId)
  await putMember(sql, { projectId, personId, before }, { role: own })
}
