import { Ellipsis, KeyRound, LogOut, Pencil, UserMinus } from 'lucide-react'
import { useState } from 'react'
import { addressIn, navigate } from '../address/navigation.ts'
import type { Member } from '../api/people.ts'
import type { Role } from '../api/role.ts'
import { Badge } from '../design/badge.tsx'
import { IconButton } from '../design/button.tsx'
import { Menu } from '../design/menu.tsx'
import { Moment } from '../design/moment.tsx'
import { Row } from '../design/rows.tsx'
import { Select } from '../design/select.tsx'
import { placeName, useHere, useMay } from '../shell/place-context.ts'
import { ChangeOwnRole, RemoveMember, RenameMember } from './member-dialogs.tsx'
import { mayChange, roleName, rolesToGive } from './roles.ts'
import { useMemberChange } from './use-member-change.ts'

type Asked = { readonly what: 'rename' | 'remove' } | { readonly what: 'own-role'; readonly role: Role }

/** Somebody of this place, with what the reader may change about it. */
export function MemberRow({ member }: { readonly member: Member }) {
  const { scope, me } = useHere()
  const [asked, setAsked] = useState<Asked | null>(null)
  const change = useMemberChange()
  const own = member.id === me.subject
  const may = mayChange(scope.role, member.role)
  const give = (role: Role) => {
    if (role === member.role) return
    if (own) setAsked({ what: 'own-role', role })
    else change.mutate({ id: member.id, role })
  }
  const shown = change.isPending ? change.variables.role : member.role
  const close = () => setAsked(null)
  return (
    <>
      <Row
        title={member.name} {...(member.name !== member.id && { id: member.id })} badges={own && <Badge tone="accent">You</Badge>} error={change.error}
        about={member.since !== null && <>Since <Moment at={member.since} /></>}
        side={may ? <Select small label={`Role of ${member.name}`} value={shown} choices={rolesToGive(scope.role)} disabled={change.isPending} onChange={give} /> : <Badge>{roleName(member.role)}</Badge>}
        menu={<MemberMenu member={member} own={own} may={may} ask={setAsked} />}
      />
      {asked?.what === 'rename' && <RenameMember member={member} close={close} />}
      {asked?.what === 'remove' && <RemoveMember member={member} close={close} />}
      {asked?.what === 'own-role' && <ChangeOwnRole member={member} role={asked.role} close={close} />}
    </>
  )
}

function MemberMenu({ member, own, may, ask }: { readonly member: Member; readonly own: boolean; readonly may: boolean; ask(asked: Asked): void }) {
  const { place, scope } = useHere()
  const seesKeys = useMay('admin') && scope.project === null
  if (!may && !own) return null
  const where = placeName(scope)
  return (
    <Menu
      trigger={<IconButton label={`More about ${member.name}`} small><Ellipsis size={16} /></IconButton>}
      groups={[
        [
          ...(may ? [{ label: 'Rename', icon: <Pencil size={16} />, act: () => ask({ what: 'rename' }) }] : []),
          ...(seesKeys ? [{ label: 'Keys', icon: <KeyRound size={16} />, act: () => navigate(addressIn(place, 'keys', null, { find: member.id })) }] : []),
        ],
        [{ label: own ? `Leave ${where}` : `Remove from ${where}`, icon: own ? <LogOut size={16} /> : <UserMinus size={16} />, danger: true, act: () => ask({ what: 'remove' }) }],
      ]}
    />
  )
}
