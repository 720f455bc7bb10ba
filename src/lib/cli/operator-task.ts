import type { z } from 'zod'

/** A piece of operator work by its name, and the shape of what it answers: also through a door, before it is believed. */
export interface OperatorTask<Answer extends { readonly ok: true }> {
  readonly name: string
  readonly answer: z.ZodType<Answer>
}
