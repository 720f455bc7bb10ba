import { Autocomplete } from '@base-ui/react/autocomplete'
import { Dialog } from '@base-ui/react/dialog'
import { Search } from 'lucide-react'
import type { ReactNode } from 'react'
import { Keys } from './keys.tsx'
import styles from './picker.module.css'

export interface PickerItem {
  /** Unlike every other of the list. */
  readonly value: string
  readonly label: string
  readonly hint?: string
  readonly icon?: ReactNode
  readonly keys?: string
  act(): void
}

export interface PickerGroup {
  readonly value: string
  readonly items: readonly PickerItem[]
}

interface PickerProps {
  readonly open: boolean
  readonly label: string
  readonly placeholder: string
  readonly groups: readonly PickerGroup[]
  onClose(): void
}

/** One of many, found by typing. */
export function Picker({ open, label, placeholder, groups, onClose }: PickerProps) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.popup} aria-label={label}>
          <Autocomplete.Root open inline items={groups} autoHighlight="always" keepHighlight itemToStringValue={textOf}>
            <Autocomplete.InputGroup className={styles.search}>
              <Search size={16} aria-hidden />
              <Autocomplete.Input className={styles.input} aria-label={label} placeholder={placeholder} />
            </Autocomplete.InputGroup>
            <Dialog.Close className="unseen">Close</Dialog.Close>
            <div className={styles.scroll}>
              <Autocomplete.Empty><p className={styles.empty}>Nothing fits.</p></Autocomplete.Empty>
              <Autocomplete.List>
                {(group: PickerGroup) => (
                  <Autocomplete.Group key={group.value} items={group.items} className={styles.group}>
                    <Autocomplete.GroupLabel className={styles.title}>{group.value}</Autocomplete.GroupLabel>
                    <Autocomplete.Collection>{(item: PickerItem) => <Item key={item.value} item={item} done={onClose} />}</Autocomplete.Collection>
                  </Autocomplete.Group>
                )}
              </Autocomplete.List>
            </div>
          </Autocomplete.Root>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function Item({ item, done }: { readonly item: PickerItem; done(): void }) {
  const act = () => {
    done()
    item.act()
  }
  return (
    <Autocomplete.Item value={item} className={styles.item} onClick={act}>
      <span className={styles.icon} aria-hidden>{item.icon}</span>
      <span className={styles.label}>{item.label}</span>
      {item.hint !== undefined && <span className={styles.hint}>{item.hint}</span>}
      {item.keys !== undefined && <Keys keys={item.keys} />}
    </Autocomplete.Item>
  )
}

/** What is typed is looked for in both. */
function textOf({ label, hint = '' }: PickerItem): string {
  return `${label} ${hint}`
}
