import { Menu as Base } from '@base-ui/react/menu'
import type { ReactElement, ReactNode } from 'react'
import { Keys } from './keys.tsx'
import styles from './menu.module.css'
import popup from './popup.module.css'

export interface MenuItem {
  readonly label: string
  readonly icon?: ReactNode
  readonly keys?: string
  readonly danger?: boolean
  /** Of one that is on or off. */
  readonly checked?: boolean
  act(): void
}

/** What can be done with the thing it stands at. Groups are told apart by a line. */
export function Menu({ trigger, groups, align = 'end' }: { readonly trigger: ReactElement<Record<string, unknown>>; readonly groups: readonly (readonly MenuItem[])[]; readonly align?: 'start' | 'end' }) {
  const filled = groups.filter((group) => group.length > 0)
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner align={align} sideOffset={4} className={popup.positioner}>
          <Base.Popup className={[popup.popup, styles.popup].join(' ')}>
            {filled.map((group, at) => (
              <Base.Group key={group[0]?.label} className={at > 0 ? styles.group : undefined}>
                {group.map((item) => <Item key={item.label} {...item} />)}
              </Base.Group>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}

function Item({ label, icon, keys, danger = false, checked, act }: MenuItem) {
  const className = [styles.item, danger && styles.danger].filter(Boolean).join(' ')
  const content = <><span className={styles.icon}>{icon}</span><span className={styles.label}>{label}</span>{keys !== undefined && <Keys keys={keys} />}</>
  if (checked === undefined) return <Base.Item className={className} onClick={act}>{content}</Base.Item>
  return <Base.CheckboxItem className={className} checked={checked} onCheckedChange={act} closeOnClick>{content}<span aria-hidden>{checked ? '✓' : ''}</span></Base.CheckboxItem>
}
