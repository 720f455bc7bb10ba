import type { z } from 'zod'
import type { ScopedDatabase } from '../store/host-scope.ts'
import type { Tool } from '../tools/tool.ts'
import type { ContextSource } from './context-source.ts'

/** `defineTool` and `defineSource` for a host's database: what they are handed as `db` is the database's transaction. */
export interface Definers<Tx> {
  defineTool<Schema extends z.ZodType>(
    tool: Omit<Tool<Tx, z.output<Schema>>, 'input'> & { readonly input: Schema },
  ): Tool<Tx, z.output<Schema>>
  defineSource(source: ContextSource<Tx>): ContextSource<Tx>
}

/** Infers `Tx` from the database, and a tool's arguments from its schema. Does nothing else. */
export function forDatabase<Tx>(_database: ScopedDatabase<Tx>): Definers<Tx> {
  return {
    defineTool: (tool) => tool as never,
    defineSource: (source) => source,
  }
}
