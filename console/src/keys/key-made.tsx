import { useState } from 'react'
import type { NewKey } from '../api/keys.ts'
import { Button } from '../design/button.tsx'
import { Dialog } from '../design/dialog.tsx'
import { Notice } from '../design/notice.tsx'
import { home } from '../home.ts'
import { useHere } from '../shell/place-context.ts'
import { CopyText } from './copy-text.tsx'
import styles from './key-made.module.css'
import { curlWith } from './key-state.ts'

/** A key that was just made. A slip beside the dialog does not lose it: without a copy it is closed the second time. */
export function KeyMade({ made, close }: { readonly made: NewKey; close(): void }) {
  const { me } = useHere()
  const [taken, setTaken] = useState(false)
  const [warned, setWarned] = useState(false)
  const leave = () => (taken || warned ? close() : setWarned(true))
  const whose = made.person === me.subject ? 'Your key' : `The key of ${made.person}`
  return (
    <Dialog open title={`${whose} is made`} about="Copy it now. It is not kept here, and will not be shown again." onClose={leave} actions={<Button look={taken ? 'solid' : 'outline'} onClick={leave}>{warned && !taken ? 'Close without a copy' : 'Done'}</Button>}>
      <div className={styles.made}>
        <CopyText label="Key" text={made.key} first onCopy={() => setTaken(true)} />
        <CopyText label="Try it in a terminal" text={curlWith(made.key, home.api, location.origin)} onCopy={() => setTaken(true)} />
        {warned && !taken && <Notice tone="warn" urgent>The key is not copied yet. Once this is closed, nobody can read it; you can only make another one.</Notice>}
      </div>
    </Dialog>
  )
}
