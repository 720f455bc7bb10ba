import { z } from 'zod'
import { documented } from './operation.ts'

/** JSON Schema 2020-12, as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>

// `input`: what is sent to Ambit is documented as it may be sent, and what Ambit answers is transformed by no schema. Objects
// stay open, so that a client which holds to the document still reads an answer of a later version.
const RULES = {
  io: 'input',
  override({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }) {
    delete jsonSchema.readOnly // of a list that the code may not change: to a client it says something else
  },
} as const

/** All schemas that have a name, by that; where one lies in another, it is a reference. */
export function componentSchemas(): Readonly<Record<string, JsonSchema>> {
  const { schemas } = z.toJSONSchema(documented, { ...RULES, uri: refOf })
  return Object.fromEntries(Object.entries(schemas).sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, schema]) => [name, bare(schema)]))
}

/** A schema of its own, without a name. */
export function inlineSchema(schema: z.ZodType): JsonSchema {
  return bare(z.toJSONSchema(schema, RULES))
}

/** What stands for a schema of a body. Throws where it has no name: in the document a client finds it by that. */
export function schemaRef(schema: z.ZodType): JsonSchema {
  const name = documented.get(schema)?.id
  if (name === undefined) throw new Error('A schema of a body has no name in the document: register it.')
  return { $ref: refOf(name) }
}

function refOf(name: string): string {
  return `#/components/schemas/${name}`
}

function bare(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema' && name !== '$id'))
}
