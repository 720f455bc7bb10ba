import type { Place } from '../directory/directory.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { Handles } from '../store/handles.ts'
import type { ScopedDatabase } from '../store/host-scope.ts'
import { bindTool, describe } from './bind-tool.ts'
import type { BoundTool } from './bound-tool.ts'
import { bindListProjects, bindReadDocument, bindSearchDocuments } from './document-tools.ts'
import type { Tool } from './tool.ts'

interface Offer {
  readonly name: string
  readonly requires?: string | undefined
  /** Absent: in both kinds of scope. */
  readonly only?: 'organisation'
  bind(context: ChatExecutionContext, handles: Pick<Handles, 'scoped'>): BoundTool
}

/** Every tool of an installation, before a scope is known. */
export interface Toolbox {
  /** Names of those that this kind of scope and these grants open. */
  open(scope: { readonly project: Place | null; readonly grants: readonly string[] }): readonly string[]
  /** Those that the context names, bound to it. */
  bind(context: ChatExecutionContext, handles: Pick<Handles, 'scoped'>): readonly BoundTool[]
}

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/

/** Ambit's own tools and the host's. Throws on a name that is no name or stands for two tools, and on a schema that JSON Schema cannot say. */
export function createToolbox<Tx>(tools: readonly Tool<Tx>[], database: ScopedDatabase<Tx> | undefined): Toolbox {
  const offers: readonly Offer[] = [
    { name: 'search_documents', bind: bindSearchDocuments },
    { name: 'read_document', bind: bindReadDocument },
    { name: 'list_projects', only: 'organisation', bind: bindListProjects },
    ...tools.map((tool): Offer => {
      if (tool.commit && !database) throw new Error(`The tool "${tool.name}" commits with the ledger, which needs a database: give createAmbit() one.`)
      const described = describe(tool)
      return { name: tool.name, requires: tool.requires, bind: (context) => bindTool({ described, tool, database }, context) }
    }),
  ]
  demandNames(offers.map((offer) => offer.name))
  return {
    open: ({ project, grants }) =>
      offers
        .filter((offer) => offer.only === undefined || project === null)
        .filter((offer) => offer.requires === undefined || grants.includes(offer.requires))
        .map((offer) => offer.name),
    bind: (context, handles) =>
      offers.filter((offer) => context.tools.includes(offer.name)).map((offer) => offer.bind(context, handles)),
  }
}

function demandNames(names: readonly string[]): void {
  const odd = names.find((name) => !TOOL_NAME.test(name))
  if (odd !== undefined) throw new Error(`The tool name "${odd}" is not [a-zA-Z0-9_-]{1,64}.`)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`Two tools are called "${twice}". (Ambit's own are search_documents, read_document and list_projects.)`)
}
