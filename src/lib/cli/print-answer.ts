import type { Chunk } from '../wire/chunk.ts'
import type { ExitCode } from './command.ts'
import { dim } from './terminal.ts'
import type { Terminal } from './terminal.ts'

/**
 * Prints an answer as it comes: its text to `out`, the tools it calls to `err`, and the sources it names at its end.
 * `onThread` is told the thread as soon as it is known.
 */
export async function printAnswer(chunks: AsyncIterable<Chunk>, terminal: Terminal, onThread: (thread: string) => void): Promise<ExitCode> {
  const aside = (text: string) => terminal.err(`${dim(terminal, text)}\n`)
  const sources: string[] = []
  let column = 0 // of the text: an aside begins on a line of its own
  let code: ExitCode = 0
  const endLine = () => {
    if (column > 0) terminal.out('\n')
    column = 0
  }
  for await (const chunk of chunks) {
    if (chunk.type === 'start') onThread(threadOf(chunk))
    else if (chunk.type === 'text-delta') {
      terminal.out(chunk.delta)
      column = chunk.delta.endsWith('\n') ? 0 : 1
    } else if (chunk.type === 'text-end') endLine()
    else if (chunk.type === 'tool-input-available') aside(`· ${chunk.toolName} ${JSON.stringify(chunk.input)}`)
    else if (chunk.type === 'tool-input-error' || chunk.type === 'tool-output-error') aside(`· failed: ${chunk.errorText}`)
    else if (chunk.type === 'source-document') sources.push(`[${numberOf(chunk) ?? sources.length + 1}] ${chunk.title}`)
    else if (chunk.type === 'error' || chunk.type === 'abort') {
      endLine()
      terminal.err(`${chunk.type === 'error' ? chunk.errorText : 'The answer was stopped.'}\n`)
      code = 1
    }
  }
  endLine()
  if (sources.length > 0) terminal.out(`\n${sources.join('\n')}\n`)
  return code
}

function threadOf({ messageMetadata }: Extract<Chunk, { type: 'start' }>): string {
  return (messageMetadata as { ambit: { thread: string } }).ambit.thread
}

function numberOf({ providerMetadata }: Extract<Chunk, { type: 'source-document' }>): number | null {
  const number = providerMetadata?.['ambit']?.['number']
  return typeof number === 'number' ? number : null
}
