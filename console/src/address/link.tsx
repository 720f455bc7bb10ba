import type { ComponentProps, MouseEvent } from 'react'
import { home } from '../home.ts'
import { formatAddress } from './address.ts'
import type { Address } from './address.ts'
import { navigate } from './navigation.ts'

/** A link within the console: a real one, that can be opened in another tab. */
export function Link({ to, onClick, children, ...rest }: { readonly to: Address } & Omit<ComponentProps<'a'>, 'href'>) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
  }
  return <a {...rest} href={formatAddress(to, home.root)} onClick={follow}>{children}</a>
}
