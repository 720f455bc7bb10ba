/** What a host's own choice by scope is called: it has no name of its own. */
export const CHOSEN_BY_HOST = 'default'

/** As long as a name may be that somebody sends. */
export const MODEL_CHARS = 256

// A request may choose the id behind an allowed pattern, and providers put ids into addresses: nothing here can leave its place.
const ID = /^\w[\w.:@+-]*(\/\w[\w.:@+-]*)*$/

/** A provider's name and the model's id there: `openai:gpt-5-mini`. Null for what is no such name. */
export function readModelName(name: string): { readonly provider: string; readonly id: string } | null {
  const colon = name.indexOf(':')
  const id = name.slice(colon + 1)
  return colon > 0 && ID.test(id) ? { provider: name.slice(0, colon), id } : null
}

/** `openai:gpt-5*`: every name that begins so. */
export function isPattern(name: string): boolean {
  return name.endsWith('*')
}

/**
 * Whether a list of names and patterns allows this name. A pattern is never a name itself: it allows names of models only,
 * and asking for `openai:*` is asking for nothing.
 */
export function allowsModel(models: readonly string[], name: string): boolean {
  if (isPattern(name)) return false
  if (models.includes(name)) return true
  return readModelName(name) !== null && models.some((one) => isPattern(one) && name.startsWith(one.slice(0, -1)))
}
