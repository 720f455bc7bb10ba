/** A word that carries meaning: as written, as compared, and where it stands in its text. */
export interface Keyword {
  readonly word: string
  readonly stem: string
  readonly at: number
}

/** Words of a question that say how it is asked, not what about. */
const COMMON = new Set(
  `a about all also am an and any anything are as at be been being but by can could did do does done each else exist exists for from get give had
  has have hello here hey hi how i if in into is it its just know let like list long many may me might more most much must my need no not now of
  off often ok on one only or our out over per please right s say says see shall she he her him his should show so some tell than thank thanks
  that the their them then there these they this those to too up us very want was we were what when where which while who whom whose why will with
  would you your yours`.split(/\s+/),
)

/** A hyphen or underscore parts words ("on-call" is "on" and "call") except in names with a digit, such as INC-204 or 2026-03-01. */
const WORD = /(?=[\p{L}_-]{0,40}\p{N})[\p{L}\p{N}]+(?:[-_.:,][\p{L}\p{N}]+)*|[\p{L}\p{N}]+(?:['’]\p{L}+)?/gu

/** The distinct words of a text that carry meaning, in its order. */
export function keywords(text: string): Keyword[] {
  const found = new Map<string, Keyword>()
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const plain = word.toLowerCase().replace(/['’]\p{L}+$/u, '')
    const stem = stemOf(plain)
    if (!COMMON.has(plain) && !found.has(stem)) found.set(stem, { word, stem, at: index })
  }
  return [...found.values()]
}

/** The same words for comparing: `stems(a)` and `stems(b)` meet where the texts speak of the same things. */
export function stems(text: string): Set<string> {
  return new Set(keywords(text).map((keyword) => keyword.stem))
}

/** A name in code, as words: `listOpenTickets` and `list_open_tickets` are "list open tickets". */
export function spoken(name: string): string {
  return name
    .replace(/(?<=[\p{Ll}\p{N}])(?=\p{Lu})/gu, ' ')
    .replace(/[_\-.]+/g, ' ')
    .toLowerCase()
}

/** Crude on purpose: "owner", "owns" and "owned" must meet; a linguist need not agree with what they are cut down to. */
function stemOf(word: string): string {
  if (/\p{N}/u.test(word)) return word
  return word
    .replace(/(?<=..)(?:ies|ied)$/, 'y')
    .replace(/(?<=...)(?:ations?|ments?|ings?|ers?|als?|ed|es|ly|(?<!s)s|e|y)$/, '')
    .replace(/([bdgmnprt])\1$/, '$1')
}
