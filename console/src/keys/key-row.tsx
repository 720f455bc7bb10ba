import { useState } from 'react'
import type { Key } from '../api/keys.ts'
import { Badge } from '../design/badge.tsx'
import { Button } from '../design/button.tsx'
import { Moment } from '../design/moment.tsx'
import { Row } from '../design/rows.tsx'
import { endsSoon, stateOf } from './key-state.ts'
import { RevokeKey } from './revoke-key.tsx'

interface KeyRowProps {
  readonly listed: Key
  /** What somebody is called; the id where it is not known. */
  nameOf(person: string): string
}

/** A key by its beginning: whose it is, where there are those `ofAll`, and what became of it. */
export function KeyRow({ listed, ofAll, nameOf }: KeyRowProps & { readonly ofAll: boolean }) {
  const [asking, setAsking] = useState(false)
  const state = stateOf(listed)
  const whose = nameOf(listed.person)
  const beginning = <code>{listed.beginning}…</code>
  return (
    <>
      <Row
        title={ofAll ? whose : beginning} {...(ofAll && whose !== listed.person && { id: listed.person })}
        badges={<State listed={listed} />}
        about={<>{ofAll && <>{beginning} · </>}<Facts listed={listed} nameOf={nameOf} /></>}
        menu={state === 'working' && <Button small onClick={() => setAsking(true)} aria-label={`Revoke ${listed.beginning} of ${whose}`}>Revoke</Button>}
      />
      {asking && <RevokeKey listed={listed} whose={whose} close={() => setAsking(false)} />}
    </>
  )
}

function State({ listed }: { readonly listed: Key }) {
  const state = stateOf(listed)
  if (state === 'revoked') return <Badge tone="bad">Revoked</Badge>
  if (state === 'expired') return <Badge tone="warn">Expired</Badge>
  return endsSoon(listed) && <Badge tone="warn">Ends soon</Badge>
}

function Facts({ listed, nameOf }: KeyRowProps) {
  const { person, made_by: by, created_at: created, expires_at: expires, last_used_at: used, revoked_at: revoked } = listed
  const state = stateOf(listed)
  return (
    <>
      made <Moment at={created} />{by !== null && by !== person && ` by ${nameOf(by)}`}
      {used === null ? ' · never used' : <> · last used <Moment at={used} /></>}
      {revoked !== null && <> · revoked <Moment at={revoked} /></>}
      {state === 'expired' && expires !== null && <> · expired <Moment at={expires} /></>}
      {state === 'working' && (expires === null ? ' · does not end' : <> · ends <Moment at={expires} /></>)}
    </>
  )
}
