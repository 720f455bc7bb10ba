const TITLE_CHARS = 80

/**
 * A title out of any text: its first line, at most 80 characters. Without control characters and broken pairs, because
 * PostgreSQL's text takes no NUL, and a title is shown as it is.
 */
export function threadTitle(text: string): string {
  const [first = ''] = text.trim().split('\n')
  return first.replaceAll(/\p{Cc}+/gu, ' ').trim().slice(0, TITLE_CHARS).toWellFormed()
}
