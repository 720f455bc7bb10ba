import type { Id } from '../directory/principal.ts'

/** Something of the host that a message is about, as the client names it: looked up inside the scope, or not at all. */
export interface ObjectRef {
  /** What it is, in the host's words: `invoice`, `ticket`, `document`. */
  readonly type: string
  readonly id: Id
}
