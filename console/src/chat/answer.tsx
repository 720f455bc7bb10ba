import { Activity, Check, Copy, RefreshCw } from 'lucide-react'
import { Suspense, lazy, memo, useCallback, useMemo } from 'react'
import { Badge } from '../design/badge.tsx'
import { IconButton } from '../design/button.tsx'
import { useCopy } from '../design/use-copy.ts'
import { failureOf } from '../runs/run-state.tsx'
import { factsOf, runOf, textOf } from './ambit-message.ts'
import type { AmbitMessage } from './ambit-message.ts'
import styles from './answer.module.css'
import { citedSources, wordsBefore } from './cited-sources.ts'
import type { CitedSource } from './cited-sources.ts'
import { Reasoning } from './reasoning.tsx'
import { ToolCall } from './tool-call.tsx'
import { Versions } from './versions.tsx'

const Markdown = lazy(async () => ({ default: (await import('./markdown.tsx')).Markdown }))

/** A source, and the words of the answer that name it: where in the document they are said is found by them. */
export interface OpenedSource {
  readonly id: string
  readonly words: string
}

export interface AnswerActions {
  readonly chatId: string
  again(message: AmbitMessage): void
  choose(): Promise<void>
  inspect(run: string): void
  open(source: OpenedSource): void
}

interface AnswerProps extends AnswerActions {
  readonly message: AmbitMessage
  readonly arriving: boolean
  readonly mayAgain: boolean
}

type Part = AmbitMessage['parts'][number]

/** What the model said and did, in the order in which it came. */
export const Answer = memo(function Answer({ message, arriving, mayAgain, chatId, again, choose, inspect, open }: AnswerProps) {
  const { parts } = message
  const sources = useMemo(() => citedSources(parts), [parts])
  const facts = factsOf(message)
  const state = typeof facts.run === 'object' ? facts.run?.state : undefined
  return (
    <article className={styles.answer} aria-label="Answer" aria-busy={arriving}>
      {facts.hidden === true && <p className={styles.hidden}>This answer has read from a project that you may not see.</p>}
      {parts.map((part, at) => <PartOf key={keyOf(part, at)} part={part} arriving={arriving && at === parts.length - 1} sources={sources} open={open} />)}
      {arriving && parts.every(({ type }) => type === 'step-start') && <p className={styles.thinking}>Thinking …</p>}
      {sources.size > 0 && <Sources sources={sources} open={open} />}
      {!arriving && state === 'stopped' && <p><Badge tone="warn">Stopped</Badge></p>}
      {!arriving && state === 'failed' && <p className={styles.failed}><Badge tone="bad">Failed</Badge> {failureOf(facts.run?.error_code ?? 'internal')}</p>}
      {!arriving && <Actions message={message} mayAgain={mayAgain} chatId={chatId} again={again} choose={choose} inspect={inspect} />}
    </article>
  )
})

function keyOf(part: Part, at: number): string {
  return part.type === 'dynamic-tool' ? part.toolCallId : `${part.type} ${at}`
}

function PartOf({ part, arriving, sources, open }: { readonly part: Part; readonly arriving: boolean; readonly sources: ReadonlyMap<number, CitedSource>; open(source: OpenedSource): void }) {
  if (part.type === 'text') return <TextPart text={part.text} arriving={arriving} sources={sources} open={open} />
  if (part.type === 'reasoning') return <Reasoning text={part.text} arriving={arriving} />
  if (part.type === 'dynamic-tool') return <ToolCall part={part} open={open} />
  return null // sources stand below; a step's beginning is no news
}

function TextPart({ text, arriving, sources, open }: { readonly text: string; readonly arriving: boolean; readonly sources: ReadonlyMap<number, CitedSource>; open(source: OpenedSource): void }) {
  const cite = useCallback((number: number) => {
    const source = sources.get(number)
    if (!source) return `[${number}]` // made up, or not told yet
    return <button type="button" className={styles.citation} aria-label={`Source ${number}: ${source.title}`} title={source.title} onClick={() => open({ id: source.id, words: wordsBefore(text, number) })}>{number}</button>
  }, [sources, open, text])
  // What stands there until the parser is loaded has the same words.
  return <Suspense fallback={<p className={styles.plain}>{text}</p>}><Markdown text={text} arriving={arriving} cite={cite} /></Suspense>
}

function Sources({ sources, open }: { readonly sources: ReadonlyMap<number, CitedSource>; open(source: OpenedSource): void }) {
  return (
    <ol role="list" className={styles.sources} aria-label="Sources">
      {[...sources].map(([number, { id, title, words }]) => (
        <li key={number}><button type="button" className={styles.source} onClick={() => open({ id, words })}><span className={styles.number}>{number}</span>{title}</button></li>
      ))}
    </ol>
  )
}

function Actions({ message, mayAgain, chatId, again, choose, inspect }: Pick<AnswerProps, 'message' | 'mayAgain' | 'chatId' | 'again' | 'choose' | 'inspect'>) {
  const [copied, copy] = useCopy()
  const run = runOf(message)
  const text = textOf(message)
  return (
    <div className={styles.actions}>
      <Versions message={message} chatId={chatId} mayChoose={mayAgain} shown={choose} />
      {text !== '' && <IconButton small label={copied ? 'Copied' : 'Copy'} onClick={() => copy(text)}>{copied ? <Check size={14} /> : <Copy size={14} />}</IconButton>}
      {mayAgain && <IconButton small label="Answer again" onClick={() => again(message)}><RefreshCw size={14} /></IconButton>}
      {run !== null && <IconButton small label="What the run did" onClick={() => inspect(run)}><Activity size={14} /></IconButton>}
    </div>
  )
}
