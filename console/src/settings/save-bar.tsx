import { useMemo } from 'react'
import { Button } from '../design/button.tsx'
import { useCommands } from '../shell/commands.ts'
import styles from './settings-form.module.css'

interface SaveBarProps {
  readonly changed: boolean
  /** What stands there can be saved. */
  readonly ready: boolean
  readonly busy: boolean
  readonly saved: boolean
  save(): void
  drop(): void
}

/** Always there, so that nothing jumps; says whether anything is not saved. */
export function SaveBar({ changed, ready, busy, saved, save, drop }: SaveBarProps) {
  const can = changed && ready && !busy
  useCommands(useMemo(() => [{ id: 'save', group: 'Page', label: 'Save the settings', keys: 'mod+s', act: () => can && save() }] as const, [can, save]))
  const nothing = saved ? 'Saved. It holds for the next question.' : 'Nothing is changed.'
  return (
    <div className={styles.bar}>
      <p role="status" className={styles.state}>{changed ? 'There are changes that are not saved.' : nothing}</p>
      <div className={styles.actions}>
        <Button disabled={!changed || busy} onClick={drop}>Drop the changes</Button>
        <Button look="solid" type="submit" disabled={!changed || !ready} busy={busy}>Save</Button>
      </div>
    </div>
  )
}
