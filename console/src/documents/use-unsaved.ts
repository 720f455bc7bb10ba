import { useEffect, useRef, useState } from 'react'
import { formatAddress } from '../address/address.ts'
import type { Address } from '../address/address.ts'
import { beforeLeaving, navigate } from '../address/navigation.ts'

/** Asks before what is not saved is left: for another address, or with the tab. */
export function useUnsaved(unsaved: boolean, here: Address) {
  const [asked, setAsked] = useState<Address | null>(null)
  const free = useRef(false)
  const staying = nameOf(here)
  useEffect(() => {
    if (!unsaved) return undefined
    free.current = false
    const takeBack = beforeLeaving((to) => {
      if (free.current || to === null || nameOf(to) === staying) return true
      setAsked(to)
      return false
    })
    const warn = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', warn)
    return () => {
      takeBack()
      window.removeEventListener('beforeunload', warn)
    }
  }, [unsaved, staying])
  const allow = () => {
    free.current = true
  }
  return {
    asked,
    allow,
    stay: () => setAsked(null),
    leave: () => {
      allow()
      if (asked) navigate(asked)
    },
  }
}

/** What is looked for in the list may change while one writes. */
function nameOf(address: Address): string {
  const { query: _, ...search } = address.search
  return formatAddress({ ...address, search }, '')
}
