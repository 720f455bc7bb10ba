import { z } from 'zod'
import { LAST_OWNER, judgeRoleChange } from '../scope/change-members.ts'
import type { RoleChange } from '../scope/change-members.ts'
import { homeOf, rowsToChange } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { ScopedSql } from '../store/handles.ts'
import { findMemberRole, listMembers, lockOwners, putMember as putRow, removeMember } from '../store/member-rows.ts'
import { findVisibility } from '../store/project-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { documented, name, role, time } from './operation.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { idPageQuery, next, parseIdPage } from './page.ts'
import { problem } from './problem.ts'
import { json, noContent } from './respond.ts'

const memberWanted = z
  .object({ role, name: name.optional().describe('What this place calls the person; as it is, where it is left out.') })
  .register(documented, { id: 'MemberWanted' })

const memberSchema = z
  .object({ id: z.string(), name: z.string(), role, since: time.nullable().describe('Null where it was not kept.') })
  .register(documented, { id: 'Member' })

const membersSchema = z.object({ members: z.array(memberSchema), next }).register(documented, { id: 'MemberPage' })

export const getMembersOperation = {
  id: 'listMembers',
  summary: 'Who was given a role in this organisation or project itself, by id. In a project that is open to its organisation, that one\'s members are in, too.',
  query: idPageQuery,
  answers: { 200: membersSchema },
  refuses: ['malformed'],
} satisfies Operation

/** `GET …/members`. */
export async function getMembers({ context, query, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getMembersOperation>> {
  const parsed = parseIdPage(query)
  if (!parsed.ok) return problem(parsed, requestId)
  const members = await house.scoped(context.rows, (sql) => listMembers(sql, homeOf(context), parsed.page))
  const last = members.length === parsed.page.limit ? members.at(-1) : undefined
  return json<z.output<typeof membersSchema>>({ members: [...members], next: last?.id ?? null }, requestId)
}

export const putMemberOperation = {
  id: 'putMember',
  summary: 'Makes somebody a member, or changes the role or name. Owners are made and changed by owners.',
  body: memberWanted,
  answers: { 200: memberSchema },
  refuses: ['conflict'],
} satisfies Operation

/** `PUT …/members/{person}`. */
export async function putMember(exchange: ScopedExchange<BodyOf<typeof putMemberOperation>>, house: House): Promise<Answer<typeof putMemberOperation>> {
  const { context, params, body, requestId, log } = exchange
  const personId = params['person']
  if (personId === undefined) return problem(NOT_FOUND, requestId)
  const done = await house.scoped(rowsToChange(context), async (sql) => {
    const before = await findMemberRole(sql, homeOf(context), personId)
    const refusal = await refuseChange(sql, context, personId, { before, after: body.role })
    if (refusal) return refusal
    const member = await putRow(sql, { projectId: homeOf(context), personId, before }, body)
    return member ? { before, member } : MEANWHILE
  })
  if ('code' in done) return problem(done, requestId)
  log.info({ subject: context.rows.userId, person: personId, role: body.role, before: done.before }, done.before === null ? 'member added' : 'member changed')
  return json<z.output<typeof memberSchema>>(done.member, requestId)
}

export const deleteMemberOperation = {
  id: 'removeMember',
  summary: 'Removes a member, or lets the caller leave. What began under this role ends within seconds.',
  answers: { 204: 'nothing' },
  refuses: ['forbidden', 'conflict'],
} satisfies Operation

/** `DELETE …/members/{person}`: what was given at this address is taken; what another place gave stays. */
export async function deleteMember({ context, params, requestId, log }: ScopedExchange, house: House): Promise<Answer<typeof deleteMemberOperation>> {
  const personId = params['person']
  if (personId === undefined) return problem(NOT_FOUND, requestId)
  const done = await house.scoped(rowsToChange(context), async (sql): Promise<Refusal | null> => {
    const before = await findMemberRole(sql, homeOf(context), personId)
    const refusal = await refuseChange(sql, context, personId, { before, after: null })
    if (refusal) return refusal
    if (before === null) return NOT_FOUND
    return (await removeMember(sql, { projectId: homeOf(context), personId, before })) ? null : MEANWHILE
  })
  if (done) return problem(done, requestId)
  log.info({ subject: context.rows.userId, person: personId }, 'member removed')
  return noContent(requestId)
}

const MEANWHILE = refuse('conflict', 'Somebody else changed this member in the same moment. Look again, and repeat it if it is still wanted.')

async function refuseChange(sql: ScopedSql, context: ChatExecutionContext, personId: string, change: RoleChange): Promise<Refusal | null> {
  const refusal = judgeRoleChange({ role: context.role, self: personId === context.rows.userId }, change)
  if (refusal) return refusal
  if (change.before !== 'owner' || change.after === 'owner') return null
  const needsOwner = context.project === null || (await findVisibility(sql, context.project.id)) === 'private'
  return needsOwner && (await lockOwners(sql, homeOf(context))) < 2 ? LAST_OWNER : null
}
