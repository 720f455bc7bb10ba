import { Dialog } from '../design/dialog.tsx'
import { Keys } from '../design/keys.tsx'
import { Switch } from '../design/switch.tsx'
import type { Command } from './commands.ts'
import { isSingleKey } from './fits-keys.ts'
import styles from './shortcut-list.module.css'
import { singleKeys } from './single-keys.ts'

type WithKeys = Command & { readonly keys: string }

/** Every shortcut that works from where one is. */
export function ShortcutList({ open, commands, onClose }: { readonly open: boolean; readonly commands: readonly Command[]; onClose(): void }) {
  const [single, setSingle] = singleKeys.use()
  const all = commands.filter((command): command is WithKeys => command.keys !== undefined)
  const shown = single === 'on' ? all : all.filter(({ keys }) => !isSingleKey(keys))
  return (
    <Dialog open={open} title="Keyboard shortcuts" onClose={onClose}>
      <Switch label="Shortcuts of a single key" help="They work where nothing is being typed." checked={single === 'on'} onChange={(on) => setSingle(on ? 'on' : 'off')} />
      <dl className={styles.list}>
        {shown.map(({ id, label, keys }) => (
          <div key={id} className={styles.row}>
            <dt>{label}</dt>
            <dd><Keys keys={keys} /></dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
