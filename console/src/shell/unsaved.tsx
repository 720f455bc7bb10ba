import { useEffect, useRef, useState } from 'react'
import type { Address } from '../address/address.ts'
import { beforeLeaving, navigate } from '../address/navigation.ts'
import { Button } from '../design/button.tsx'
import { Dialog } from '../design/dialog.tsx'

/** For as long as it is there, nobody goes elsewhere without saying what is to become of what is not saved. */
export function Unsaved({ what, drop }: { readonly what: string; drop(): void }) {
  const [to, setTo] = useState<Address | null>(null)
  const release = useRef<() => void>(null)
  useEffect(() => {
    release.current = beforeLeaving((address) => {
      setTo(address)
      return false
    })
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    window.addEventListener('beforeunload', ask)
    return () => {
      release.current?.()
      window.removeEventListener('beforeunload', ask)
    }
  }, [])
  if (to === null) return null
  const leave = () => {
    release.current?.()
    drop()
    navigate(to)
  }
  const stay = () => setTo(null)
  return (
    <Dialog open title="Leave without saving?" about={`${what} not saved yet.`} onClose={stay} actions={<><Button look="danger" onClick={leave}>Leave and drop the changes</Button><Button look="solid" onClick={stay}>Stay here</Button></>} />
  )
}
