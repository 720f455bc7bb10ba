import { Check, Copy } from 'lucide-react'
import { useRef } from 'react'
import type { ReactNode } from 'react'
import { IconButton } from '../design/button.tsx'
import { useCopy } from '../design/use-copy.ts'
import styles from './code-block.module.css'

/** Code, as it stands, and to be taken along. */
export function CodeBlock({ children }: { readonly children: ReactNode }) {
  const code = useRef<HTMLPreElement>(null)
  const [copied, copy] = useCopy()
  return (
    <div className={styles.block}>
      <IconButton className={styles.copy} small label={copied ? 'Copied' : 'Copy the code'} onClick={() => copy(code.current?.textContent ?? '')}>
        {copied ? <Check size={14} /> : <Copy size={14} />}
      </IconButton>
      <pre ref={code} className={styles.code} tabIndex={0}>{children}</pre>
    </div>
  )
}
