import { useEffect, useState } from 'react'
import { toast } from './toast.tsx'

const SHOWN_MS = 2_000

/** Takes a text to the clipboard, and says for a moment that it did. */
export function useCopy(): readonly [boolean, (text: string) => void] {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return undefined
    const timer = setTimeout(setCopied, SHOWN_MS, false)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = (text: string) => {
    // Over plain http in a network there is no clipboard.
    const copying = (navigator.clipboard as Clipboard | undefined)?.writeText(text) ?? Promise.reject(new Error('no clipboard'))
    copying.then(() => setCopied(true), () => toast({ title: 'This browser does not let the page copy', detail: 'Mark the text and copy it yourself.', bad: true }))
  }
  return [copied, copy]
}
