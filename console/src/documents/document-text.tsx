import { memo, useEffect, useMemo, useRef, useState } from 'react'
import { Markdown } from '../chat/markdown.tsx'
import type { Range } from '../chat/rehype-mark.ts'
import styles from './document-text.module.css'
import { splitDocument } from './split-document.ts'
import type { DocumentPiece } from './split-document.ts'

/** What is longer is drawn where one looks: a megabyte of Markdown takes seconds. All of its text is there from the beginning, to be found and copied. */
const AT_ONCE_CHARS = 60_000
/** How far from the view a piece is drawn. */
const AHEAD = '800px'

interface DocumentTextProps {
  readonly body: string
  readonly mediaType: string
  readonly marked?: Range | null
}

/** The text of a document, to be read. */
export function DocumentText({ body, mediaType, marked = null }: DocumentTextProps) {
  const pieces = useMemo(() => splitDocument(body, mediaType), [body, mediaType])
  const long = body.length > AT_ONCE_CHARS
  return (
    <div className={styles.text} data-long={long || undefined}>
      {pieces.map((piece) => <Piece key={piece.start} text={body.slice(piece.start, piece.end)} plain={piece.plain} long={long} {...within(piece, marked)} />)}
    </div>
  )
}

interface PieceProps {
  readonly text: string
  readonly plain: boolean
  readonly long: boolean
  readonly start?: number
  readonly end?: number
}

const Piece = memo(function Piece({ text, plain, long, start = 0, end = 0 }: PieceProps) {
  const marked = useMemo(() => (end > start ? { start, end } : undefined), [start, end])
  const box = useRef<HTMLDivElement>(null)
  const waits = !plain && long
  const near = useNear(box, waits) || !waits || marked !== undefined
  return (
    <div ref={box} className={styles.piece}>
      {plain || !near ? <Plain text={text} marked={marked} /> : <Markdown text={text} marked={marked} />}
    </div>
  )
})

function Plain({ text, marked }: { readonly text: string; readonly marked: Range | undefined }) {
  return <p className={styles.plain}>{marked ? <>{text.slice(0, marked.start)}<mark>{text.slice(marked.start, marked.end)}</mark>{text.slice(marked.end)}</> : text}</p>
}

/** Whether it has come near the view once. */
function useNear(box: React.RefObject<HTMLElement | null>, asked: boolean): boolean {
  const [near, setNear] = useState(false)
  useEffect(() => {
    if (!asked || near || !box.current) return undefined
    const observer = new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && setNear(true), { rootMargin: AHEAD })
    observer.observe(box.current)
    return () => observer.disconnect()
  }, [box, asked, near])
  return near
}

/** What of a passage stands in a piece, as counted from its beginning. */
function within(piece: DocumentPiece, marked: Range | null): { readonly start?: number; readonly end?: number } {
  if (!marked || marked.end <= piece.start || marked.start >= piece.end) return {}
  return { start: Math.max(marked.start, piece.start) - piece.start, end: Math.min(marked.end, piece.end) - piece.start }
}
