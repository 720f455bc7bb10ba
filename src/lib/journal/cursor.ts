/** A place in a run's frames: `<runId>.<fence>.<seq>`, the id of the last event that a reader has; or with 0, before the first. */
export interface Cursor {
  readonly runId: string
  readonly fence: number
  readonly seq: number
}

// One text for each place: numbers as they are written here, and no other way.
const CURSOR = /^([A-Za-z0-9_:-]{1,128})\.([1-9]\d{0,14})\.(0|[1-9]\d{0,14})$/

export function formatCursor({ runId, fence, seq }: Cursor): string {
  return `${runId}.${fence}.${seq}`
}

/** Null where the text is no cursor. What it names is looked up inside the reader's scope or not at all. */
export function parseCursor(text: string): Cursor | null {
  const [, runId, fence, seq] = CURSOR.exec(text) ?? []
  return runId !== undefined && fence !== undefined && seq !== undefined
    ? { runId, fence: Number(fence), seq: Number(seq) }
    : null
}
