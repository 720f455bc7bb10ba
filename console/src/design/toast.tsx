import { Toast as Base } from '@base-ui/react/toast'
import { X } from 'lucide-react'
import { Button, IconButton } from './button.tsx'
import styles from './toast.module.css'

const toasts = Base.createToastManager()

interface Said {
  readonly title: string
  readonly detail?: string
  /** What went wrong stays until it is closed. */
  readonly bad?: boolean
  readonly action?: { readonly label: string; act(): void }
}

/** A word on what has just happened, where nothing on the page says it. */
export function toast({ title, detail, bad = false, action }: Said): void {
  toasts.add({
    title,
    ...(detail !== undefined && { description: detail }),
    type: bad ? 'bad' : 'good',
    priority: bad ? 'high' : 'low',
    ...(bad && { timeout: 0 }),
    ...(action && { actionProps: { children: action.label, onClick: action.act } }),
  })
}

export function ToastPlace() {
  return (
    <Base.Provider toastManager={toasts} limit={3}>
      <Base.Portal>
        <Base.Viewport className={styles.viewport}><Toasts /></Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  )
}

function Toasts() {
  const { toasts: shown } = Base.useToastManager()
  return shown.map((one) => (
    <Base.Root key={one.id} toast={one} className={styles.toast}>
      <Base.Content className={styles.content}>
        <div className={styles.words}>
          <Base.Title className={styles.title} />
          <Base.Description className={styles.detail} />
        </div>
        {one.actionProps && <Base.Action render={<Button small />} />}
        <Base.Close render={<IconButton label="Dismiss" small><X size={16} /></IconButton>} />
      </Base.Content>
    </Base.Root>
  ))
}
