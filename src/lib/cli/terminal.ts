/** Where a command speaks: answers to `out`, everything about them to `err`. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** The stream that logs go to. */
  readonly logs: NodeJS.WritableStream
  /** True where a person reads `err`. */
  readonly interactive: boolean
  readonly color: boolean
}

/** Grey where colour is shown, unchanged elsewhere. */
export function dim(terminal: Pick<Terminal, 'color'>, text: string): string {
  return terminal.color ? `\u001B[2m${text}\u001B[22m` : text
}
