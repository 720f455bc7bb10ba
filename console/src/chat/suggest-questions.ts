const MOST = 4
/** A heading that is longer is a sentence already. */
const HEADING_CHARS = 60

interface Opening {
  readonly title: string
  readonly opening: string
}

interface Pattern {
  readonly found: RegExp
  ask(title: string, ...groups: readonly string[]): string
}

/** What the beginning of a document tells, and the question that it answers; the more telling first. */
const PATTERNS: readonly Pattern[] = [
  { found: /(?:^|[.!?]\s+)(An? [a-z]+(?: [a-z]+)?) takes [^.]*\d/m, ask: (_, what = '') => `How long does ${lowerFirst(what)} take?` },
  { found: /(?:^|[.!?]\s+)(The [a-z]+(?: [a-z]+)?) is on [^.]*\d/m, ask: (_, what = '') => `When is ${lowerFirst(what)}?` },
  { found: /(?:^|[.!?]\s+)([A-Z][a-z]{2,}) is an? [a-z]/m, ask: (_, what = '') => `What is ${what}?` },
  { found: /\bApproved\b[^.]* by \p{Lu}/u, ask: (title) => `Who approved “${title}”?` },
  { found: /\bLast ([a-z]{4,}ed) on [^.]*\d/, ask: (title, what = '') => `When was “${title}” last ${what}?` },
  { found: /\b[Ii]n force from [^.]*\d/, ask: (title) => `Since when is “${title}” in force?` },
  { found: /\b(Project|Product|Team) lead: \p{Lu}/u, ask: (title, what = '') => `Who is the ${what.toLowerCase()} lead in “${title}”?` },
  { found: /\bOwner: \p{Lu}/u, ask: (title) => `Who is the owner of “${title}”?` },
  { found: /\bCollected by \p{Lu}/u, ask: (title) => `Who collected “${title}”?` },
  { found: /\b(?:Written|Drawn up) by \p{Lu}/u, ask: (title) => `Who wrote “${title}”?` },
  { found: /\bReviewed\b[^.]* by \p{Lu}/u, ask: (title) => `Who reviewed “${title}”?` },
  { found: /^#{2,3} +When to ([a-z][^:?(]{2,40}?) *#*$/m, ask: (_, what = '') => `When should we ${what}?` },
  { found: /^#{2,3} +How to ([a-z][^:?(]{2,40}?) *#*$/m, ask: (_, what = '') => `How do we ${what}?` },
  { found: /^#{2,3} +(?!(?:Why|When|How|What|Who|Where)\b)([^:?()]{6,}?) *#*$/m, ask: (title, what = '') => `What does “${title}” say about ${lowerFirst(what)}?` },
]

/** Questions to begin with. Each has an answer, because it is asked of what a document says; no two are of one kind while there are others. */
export function suggestQuestions(documents: readonly Opening[]): readonly string[] {
  const offered = PATTERNS.map(({ found, ask }) => documents.flatMap(({ title, opening }) => {
    const groups = found.exec(opening)?.slice(1)
    return groups && groups.every((group) => group.length <= HEADING_CHARS) ? [{ title, question: ask(title, ...groups) }] : []
  }))
  const chosen = new Map<string, string>()
  // First one of each kind from a document of its own; then whatever else there is.
  for (const round of [1, 2, 3]) {
    for (const ofKind of offered) {
      const next = ofKind.find(({ title, question }) => !chosen.has(question) && (round > 2 || ![...chosen.values()].includes(title)))
      if (next && chosen.size < MOST) chosen.set(next.question, next.title)
    }
  }
  for (const { title } of documents) {
    if (chosen.size < MOST && ![...chosen.values()].includes(title)) chosen.set(`What is in “${title}”?`, title)
  }
  return [...chosen.keys()]
}

/** In the middle of a sentence, unless it is a name or an abbreviation. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]*( [a-z]|$)/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}
