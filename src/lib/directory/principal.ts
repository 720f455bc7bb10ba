/** Organisation, project and user ids are opaque text, as the host writes them. */
export type Id = string

/** What an id is, as a regular expression says it. */
export const ID_PATTERN = '^[A-Za-z0-9_.:-]{1,128}$'
const ID = new RegExp(ID_PATTERN)

/** Whether a text can be an id at all: 1 to 128 of `A-Z a-z 0-9 _ . : -`. */
export function isId(text: unknown): text is Id {
  return typeof text === 'string' && ID.test(text)
}

/**
 * Who asks. Not a right: what a principal may do is asked of the directory, again at every boundary. Plain data,
 * because a run stores it and is asked about again when nobody is connected.
 */
export interface Principal {
  readonly subject: Id
  readonly kind: 'person' | 'service'
  /** What the credential said, for the directory: plain JSON values, no secrets. Ambit's own knows `org` and `project`, which narrow. */
  readonly claims?: Readonly<Record<string, unknown>>
}
