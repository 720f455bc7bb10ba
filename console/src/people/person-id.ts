const ID = /^[A-Za-z0-9_.:-]{1,128}$/

/** What is wrong with what was typed as an id; null: nothing, or nothing yet. */
export function faultOfId(typed: string): string | null {
  if (typed === '' || ID.test(typed)) return null
  return typed.length > 128 ? 'An id has at most 128 characters.' : 'An id has only letters without accents, digits, and . _ : -'
}

export function isPersonId(typed: string): boolean {
  return ID.test(typed)
}
