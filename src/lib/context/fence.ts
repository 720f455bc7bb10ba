/** Text from outside cannot close its own block and go on as instructions, nor open one that looks like Ambit's. */
export function fenced(text: string): string {
  return text.replaceAll(/<(?=\/?(?:data|document|file)\b)/gi, '&lt;')
}

/** A name as it may stand in a block's opening: on one line, and without an end of its own. */
export function attribute(text: string): string {
  return text.replaceAll(/["<>\n]/g, ' ')
}
