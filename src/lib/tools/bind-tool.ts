import { z } from 'zod'
import { boundedWait } from '../limits/bounded-wait.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { SETTLE_WITH_EFFECT } from '../store/call-rows.ts'
import { enterHostScope } from '../store/host-scope.ts'
import type { ScopedDatabase } from '../store/host-scope.ts'
import type { BoundTool, ParsedArguments } from './bound-tool.ts'
import type { Tool } from './tool.ts'

const MAX_ISSUES = 5

/** A host's tool, before a scope is known. */
export interface UnboundTool<Tx> {
  readonly described: DescribedTool
  readonly tool: Tool<Tx>
  readonly database: ScopedDatabase<Tx> | undefined
}

/** Says what is missing, in the log of the call, where a tool asks a database that nobody gave. */
const NO_DATABASE: unknown = new Proxy({}, {
  get() {
    throw new Error('This tool asks its db, and there is none: give createAmbit() the database for which the tool was defined.')
  },
})

/** A host's tool, bound to a scope. Its transaction opens when it is called and ends with it; one that is left is rolled back. */
export function bindTool<Tx>({ described, tool, database }: UnboundTool<Tx>, { rows, limits }: Pick<ChatExecutionContext, 'rows' | 'limits'>): BoundTool {
  return {
    ...described,
    failureReads: rows.projectIds,
    async call(args, { signal, log, idempotencyKey, record }) {
      const run = async (db: Tx) => tool.run(args, { db, signal, log, idempotencyKey })
      const output = database
        ? await database.transaction(async (tx) => {
            await enterHostScope(database, tx, rows, limits.toolMs)
            const answer = await boundedWait(run(tx), { signal })
            if (tool.commit === 'with-ledger') await recordEffect(database, tx, record(answer))
            return answer
          })
        : await run(NO_DATABASE as Tx)
      // Which rows a host's tool read is its own business, so its answer counts as having read the whole scope.
      return { output, reads: rows.projectIds }
    },
  }
}

/** The last statement of the tool's transaction: where it touches no row, what the tool did is rolled back. */
async function recordEffect<Tx>(database: ScopedDatabase<Tx>, tx: Tx, values: readonly string[]): Promise<void> {
  const rows = await database.execute(tx, SETTLE_WITH_EFFECT, values)
  if (rows !== 1) throw new Error('The call could not be recorded with its effect: it has another owner, or this database is not the one of Ambit’s own tables.')
}

/** The half of a bound tool that does not depend on the scope: made once, because a schema takes its time. */
export type DescribedTool = Omit<BoundTool, 'call' | 'failureReads'>

export function describe({ name, description, input, effect, commit }: Pick<Tool, 'name' | 'description' | 'input' | 'effect' | 'commit'>): DescribedTool {
  return {
    name,
    description,
    effect: commit ?? effect,
    inputSchema: z.toJSONSchema(input, { io: 'input', target: 'draft-7' }) as Readonly<Record<string, unknown>>,
    parse: (value) => parseArguments(input, value),
  }
}

/** Says what is wrong, so that the model can mend it. */
function parseArguments(schema: z.ZodType, value: unknown): ParsedArguments {
  const result = schema.safeParse(value)
  if (result.success) return { ok: true, value: result.data }
  const issues = result.error.issues.slice(0, MAX_ISSUES)
  return { ok: false, detail: issues.map((issue) => `${issue.path.join('.') || 'arguments'}: ${issue.message}`).join('; ') }
}
