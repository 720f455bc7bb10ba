/** Those of a scope's models that have a name; the others are patterns: `openai:*`. */
export function namesOf(models: readonly string[]): readonly string[] {
  return models.filter((model) => !model.endsWith('*'))
}

export function patternsOf(models: readonly string[]): readonly string[] {
  return models.filter((model) => model.endsWith('*'))
}

/** Whether a name may stand for a model here: it is one of them, or begins like a pattern and says more. */
export function allows(models: readonly string[], name: string): boolean {
  if (name.endsWith('*') || name !== name.trim()) return false
  return models.includes(name) || patternsOf(models).some((pattern) => name.length >= pattern.length && name.startsWith(pattern.slice(0, -1)))
}
