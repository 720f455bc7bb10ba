import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Piece } from './capture.ts'
import { pointerOf } from './pointer.ts'
import type { Path } from './pointer.ts'

/** The value of a piece that was kept (undefined of none), or why it was not. That it is JSON is known: the scan found it so. */
export function parsePiece(piece: Piece | undefined, path: Path): { readonly ok: true; readonly value: unknown } | Refusal {
  if (!piece) return { ok: true, value: undefined }
  if (piece.ok) return { ok: true, value: JSON.parse(piece.text) as unknown }
  const what = piece.reason === 'too_large' ? 'This is too large' : 'This has too many keys'
  const unit = piece.reason === 'too_large' ? 'bytes' : 'keys'
  return refuse('malformed', `${what} (${piece.limit} ${unit} at the most).`, { pointer: pointerOf(path), limit: piece.limit })
}
