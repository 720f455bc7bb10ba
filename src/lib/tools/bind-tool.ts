import { z } from 'zod'
import { boundedWait } from '../limits/bounded-wait.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
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
    async call(args, { signal, log, idempotencyKey }) {
      const run = async (db: Tx) => tool.run(args, { db, signal, log, idempotencyKey })
      const output = database
        ? await database.transaction(async (tx) => {
            await enterHostScope(database, tx, rows, limits.toolMs)
            return boundedWait(run(tx), { signal })
          })
        : await run(NO_DATABASE as Tx)
      // Which rows a host's tool read is its own business, so its answer counts as having read the whole scope.
      return { output, reads: rows.projectIds }
    },
  }
}

/** The half of a bound tool that does not depend on the scope: made once, because a schema takes its time. */
export type DescribedTool = Omit<BoundTool, 'call' | 'failureReads'>

export function describe({ name, description, input }: Pick<Tool, 'name' | 'description' | 'input'>): DescribedTool {
  return {
    name,
    description,
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
