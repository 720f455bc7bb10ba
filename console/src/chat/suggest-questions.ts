const MOST = 4
/** A heading that is longer is a sentence already. */
const HEADING_CHARS = 60

interface Opening {
  readonly title: string
  readonly opening: string
}

/** A question for each of a few documents, by its first section: it has an answer, because the document is there. */
export function suggestQuestions(documents: readonly Opening[]): readonly string[] {
  return documents.slice(0, MOST).map(({ title, opening }) => {
    const heading = /^#{2,3} +(.+?) *#*$/m.exec(opening)?.[1]
    return heading !== undefined && heading.length <= HEADING_CHARS ? `What does “${title}” say about ${lowerFirst(heading)}?` : `What is in “${title}”?`
  })
}

/** In the middle of a sentence, unless it is a name or an abbreviation. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]+( [a-z]|$)/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}
