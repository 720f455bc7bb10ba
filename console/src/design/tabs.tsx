import { Tabs as Base } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'
import styles from './tabs.module.css'

export interface Tab<Name extends string> {
  readonly name: Name
  readonly label: string
  readonly content: ReactNode
}

/** One of a few views on the same thing. */
export function Tabs<Name extends string>({ label, tabs, value, onChange }: { readonly label: string; readonly tabs: readonly Tab<Name>[]; readonly value: Name; onChange(name: Name): void }) {
  return (
    <Base.Root className={styles.root} value={value} onValueChange={(next) => onChange(next as Name)}>
      <Base.List aria-label={label} className={styles.list}>
        {tabs.map((tab) => <Base.Tab key={tab.name} value={tab.name} className={styles.tab}>{tab.label}</Base.Tab>)}
      </Base.List>
      {tabs.map((tab) => <Base.Panel key={tab.name} value={tab.name} className={styles.panel}>{tab.content}</Base.Panel>)}
    </Base.Root>
  )
}
