import { useEffect, useEffectEvent, useState } from 'react'
import type { Address } from '../address/address.ts'
import { beforeLeaving } from '../address/navigation.ts'
import type { Leaving } from '../address/navigation.ts'
import { Button } from '../design/button.tsx'
import { Dialog } from '../design/dialog.tsx'

interface UnsavedProps {
  /** How the words begin: "What you have written is". */
  readonly what: string
  /** Whether it is still there at that address: then nobody is asked. */
  keptAt?(to: Address): boolean
  /** It is to be forgotten. */
  drop?(): void
}

/** For as long as it is there, nobody goes elsewhere without saying what is to become of what is not saved. */
export function Unsaved({ what, keptAt, drop }: UnsavedProps) {
  const [leaving, setLeaving] = useState<Leaving | null>(null)
  const allows = useEffectEvent((asked: Leaving) => {
    if (asked.to && keptAt?.(asked.to)) return true
    setLeaving(asked)
    return false
  })
  useEffect(() => beforeLeaving((asked) => allows(asked)), [])
  if (leaving === null) return null
  const leave = () => {
    drop?.()
    setLeaving(null) // signing out may be refused: then one is still here
    leaving.go()
  }
  const stay = () => setLeaving(null)
  return (
    <Dialog open title="Leave without saving?" about={`${what} not saved yet.`} onClose={stay} actions={<><Button look="danger" onClick={leave}>Leave and drop the changes</Button><Button look="solid" onClick={stay}>Stay here</Button></>} />
  )
}
