import { Dialog } from '../design/dialog.tsx'
import { Keys } from '../design/keys.tsx'
import type { Command } from './commands.ts'
import styles from './shortcut-list.module.css'

/** Every shortcut that works from where one is. */
export function ShortcutList({ open, commands, onClose }: { readonly open: boolean; readonly commands: readonly Command[]; onClose(): void }) {
  const withKeys = commands.filter((command): command is Command & { keys: string } => command.keys !== undefined)
  return (
    <Dialog open={open} title="Keyboard shortcuts" about="Those without a modifier work where nothing is being typed." onClose={onClose}>
      <dl className={styles.list}>
        {withKeys.map(({ id, label, keys }) => (
          <div key={id} className={styles.row}>
            <dt>{label}</dt>
            <dd><Keys keys={keys} /></dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
