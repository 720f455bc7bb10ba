import { Button as Base } from '@base-ui/react/button'
import type { ComponentProps, ReactNode } from 'react'
import styles from './button.module.css'
import { Tooltip } from './tooltip.tsx'

type Look = 'solid' | 'outline' | 'plain' | 'danger'

interface ButtonProps extends ComponentProps<typeof Base> {
  readonly look?: Look
  readonly small?: boolean
  /** Under way: it stays where it is, and does nothing more. */
  readonly busy?: boolean
}

export function Button({ look = 'outline', small = false, busy = false, disabled, className, ...rest }: ButtonProps) {
  return (
    <Base
      type="button"
      {...rest}
      className={[styles.button, styles[look], small && styles.small, className].filter(Boolean).join(' ')}
      disabled={disabled || busy}
      focusableWhenDisabled={busy}
      aria-busy={busy || undefined}
    />
  )
}

interface IconButtonProps extends Omit<ButtonProps, 'children' | 'aria-label'> {
  /** What it does: its name to those who hear it, and its tooltip. */
  readonly label: string
  readonly keys?: string
  readonly children: ReactNode
}

export function IconButton({ label, keys, className, look = 'plain', ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label} {...(keys !== undefined && { keys })}>
      <Button {...rest} look={look} aria-label={label} className={[styles.icon, className].filter(Boolean).join(' ')} />
    </Tooltip>
  )
}
