import { useId } from 'react'
import type { FormEvent, ReactNode } from 'react'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import styles from './form-dialog.module.css'
import { Problem } from './problem.tsx'

interface FormDialogProps {
  readonly title: string
  readonly about?: ReactNode
  /** What the button that does it says. */
  readonly submit: string
  /** It takes something away. */
  readonly danger?: boolean
  readonly busy: boolean
  /** What was filled in can be sent. */
  readonly ready?: boolean
  /** Why it was refused. */
  readonly error: unknown
  readonly children?: ReactNode
  onSubmit(): void
  onClose(): void
}

/** Asks for what is needed before something is done, or only whether it is meant; says why it was refused. While it is under way it stays: what comes of it is told there. */
export function FormDialog({ title, about, submit, danger = false, busy, ready = true, error, children, onSubmit, onClose }: FormDialogProps) {
  const form = useId()
  const send = (event: FormEvent) => {
    event.preventDefault()
    if (ready && !busy) onSubmit()
  }
  const actions = (
    <>
      <Button disabled={busy} onClick={onClose}>Cancel</Button>
      <Button look={danger ? 'danger' : 'solid'} type="submit" form={form} busy={busy} disabled={!ready}>{submit}</Button>
    </>
  )
  return (
    <Dialog open title={title} about={about} onClose={busy ? stay : onClose} actions={actions}>
      <form id={form} className={styles.form} noValidate onSubmit={send}>
        {children}
        {error !== null && <Problem error={error} />}
      </form>
    </Dialog>
  )
}

function stay(): void {}
