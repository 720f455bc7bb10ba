import { findAndReplace } from 'mdast-util-find-and-replace'
import { createContext, memo, useContext, useMemo } from 'react'
import type { ComponentProps, ReactNode } from 'react'
import ReactMarkdown from 'react-markdown'
import type { Components, Options } from 'react-markdown'
import remarkGfm from 'remark-gfm'
import remend from 'remend'
import { CodeBlock } from './code-block.tsx'
import styles from './markdown.module.css'
import { withDefinitions } from './link-definitions.ts'
import { rehypeMark } from './rehype-mark.ts'
import type { Range } from './rehype-mark.ts'
import { shownHost } from './shown-host.ts'
import { splitBlocks } from './split-blocks.ts'

interface MarkdownProps {
  readonly text: string
  /** Whether more of it is to come: what is still open is closed for the eye. */
  readonly arriving?: boolean
  /** What a `[1]` in the text becomes; absent, it stays as it is. */
  cite?(number: number): ReactNode
  /** What of the text is marked: a passage that somebody looks for. */
  readonly marked?: Range | undefined
}

/**
 * What a model or a document wrote, as it is shown. Nothing in it is believed: HTML is text, a picture is its description, a link says
 * where it goes and is followed by nobody but a reader who chooses to.
 */
export function Markdown({ text, arriving = false, cite, marked }: MarkdownProps) {
  const blocks = useMemo(() => (marked ? [text] : readable(text, arriving)), [text, arriving, marked])
  return (
    <CiteContext value={cite ?? null}>
      <div className={styles.markdown}>
        {blocks.map((block, at) => <Block key={at} text={block} cited={cite !== undefined} marked={marked} />)}
      </div>
    </CiteContext>
  )
}

/** A half-arrived link would else be one to an address of the repairer's own. */
const REPAIR = { linkMode: 'text-only' } as const

function readable(text: string, arriving: boolean): readonly string[] {
  const blocks = splitBlocks(text)
  const last = blocks.at(-1)
  return withDefinitions(arriving && last !== undefined ? [...blocks.slice(0, -1), remend(last, REPAIR)] : blocks)
}

/** Past the blocks, which are not drawn again when a source becomes known. */
const CiteContext = createContext<((number: number) => ReactNode) | null>(null)

const Block = memo(function Block({ text, cited, marked }: { readonly text: string; readonly cited: boolean; readonly marked: Range | undefined }) {
  const rehypePlugins = useMemo((): PluggableList => (marked ? [[rehypeMark, marked]] : []), [marked])
  return <ReactMarkdown remarkPlugins={cited ? WITH_CITATIONS : PLAIN} rehypePlugins={rehypePlugins} components={COMPONENTS} urlTransform={safeUrl}>{text}</ReactMarkdown>
})

type PluggableList = NonNullable<Options['rehypePlugins']>
type Tree = Parameters<typeof findAndReplace>[0]

/** `[12]`, where it stands in running text, as an element of its own. */
function remarkCitations() {
  return (tree: Tree) => findAndReplace(tree, [/\[(\d{1,4})\]/g, (_: string, digits: string) => ({ type: 'emphasis', data: { hName: 'sup' }, children: [{ type: 'text', value: digits }] })], { ignore: ['link', 'linkReference'] })
}

const PLAIN = [remarkGfm]
const WITH_CITATIONS = [remarkGfm, remarkCitations]

function Citation({ children }: ComponentProps<'sup'>) {
  const cite = useContext(CiteContext)
  return cite && typeof children === 'string' && /^\d{1,4}$/.test(children) ? cite(Number(children)) : <sup>{children}</sup>
}

/** The one place that decides which address becomes a link. */
export function safeUrl(url: string): string {
  const parsed = URL.parse(url)
  return parsed && (parsed.protocol === 'https:' || parsed.protocol === 'http:' || parsed.protocol === 'mailto:') ? parsed.href : ''
}

const COMPONENTS: Components = {
  sup: Citation,
  a: ({ href = '', children }) => <SafeLink href={href}>{children}</SafeLink>,
  img: ({ alt = '', src }) => <span className={styles.picture}>[picture{alt === '' ? '' : `: ${alt}`}{hostOf(typeof src === 'string' ? src : '')}]</span>,
  pre: ({ children }) => <CodeBlock>{children}</CodeBlock>,
  table: ({ children }) => <div className={styles.table} tabIndex={0} role="region" aria-label="Table"><table>{children}</table></div>,
  input: ({ checked }) => <span aria-label={checked ? 'done' : 'to do'} role="img">{checked ? '☑' : '☐'}</span>,
  // The page has headings of its own above: those of an answer begin below them.
  h1: ({ children }) => <h3 className={styles.h1}>{children}</h3>,
  h2: ({ children }) => <h4 className={styles.h2}>{children}</h4>,
  h3: ({ children }) => <h5 className={styles.h3}>{children}</h5>,
  h4: ({ children }) => <h6 className={styles.h3}>{children}</h6>,
  h5: ({ children }) => <h6 className={styles.h3}>{children}</h6>,
}

/** Says where it goes, and tells nobody there where from. */
function SafeLink({ href, children }: { readonly href: string; readonly children: ReactNode }) {
  const url = URL.parse(href)
  if (!url) return <span>{children}</span>
  const host = shownHost(url, children)
  return <><a href={url.href} target="_blank" rel="noopener noreferrer nofollow external" referrerPolicy="no-referrer">{children}</a>{host !== null && <span className={styles.host}> ({host})</span>}</>
}

function hostOf(src: string): string {
  const url = URL.parse(src)
  return url?.host ? ` from ${url.host}, not loaded` : ''
}
