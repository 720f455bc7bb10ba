import { Building2, Folder } from 'lucide-react'
import { useMemo } from 'react'
import { addressIn, navigate } from '../address/navigation.ts'
import { placeKey } from '../address/address.ts'
import type { Me } from '../api/me.ts'
import { Picker } from '../design/picker.tsx'
import type { PickerGroup, PickerItem } from '../design/picker.tsx'
import { useOfferedCommands } from './commands.ts'
import type { Command } from './commands.ts'
import { useHere } from './place-context.ts'
import { ShortcutList } from './shortcut-list.tsx'

/** All that can be done from here, and all places one can go to, found by typing; or only the places; or the list of shortcuts. */
export function CommandPalette({ showing, close }: { readonly showing: 'commands' | 'places' | 'keys' | null; close(): void }) {
  const { me } = useHere()
  const commands = useOfferedCommands()
  const places = useMemo(() => placesOf(me), [me])
  const groups = useMemo(() => [...groupsOf(commands), ...places], [commands, places])
  return (
    <>
      <Picker open={showing === 'commands'} label="What would you like to do?" placeholder="Type a command or a place" groups={groups} onClose={close} />
      <Picker open={showing === 'places'} label="Choose an organisation or project" placeholder="Go to an organisation or project" groups={places} onClose={close} />
      <ShortcutList open={showing === 'keys'} commands={commands} onClose={close} />
    </>
  )
}

/** Opens this very list, and stands among the shortcuts only. */
const PALETTE = 'palette'

function groupsOf(commands: readonly Command[]): readonly PickerGroup[] {
  const names = [...new Set(commands.map(({ group }) => group))]
  return names.map((name) => ({ value: name, items: commands.filter(({ id, group }) => group === name && id !== PALETTE).map(({ id, label, keys, act }) => ({ value: id, label, act, ...(keys !== undefined && { keys }) })) }))
}

function placesOf({ organisations }: Me): readonly PickerGroup[] {
  return organisations.map(({ org, name, role, projects }) => ({
    value: name,
    items: [
      ...(role === null ? [] : [placeItem({ org }, name, 'The organisation')]),
      ...projects.toSorted((one, other) => one.name.localeCompare(other.name)).map((project) => placeItem({ org, project: project.project }, project.name, project.about)),
    ],
  }))
}

function placeItem(place: { readonly org: string; readonly project?: string }, label: string, hint: string): PickerItem {
  const Icon = place.project === undefined ? Building2 : Folder
  return { value: `place ${placeKey(place)}`, label, hint, icon: <Icon size={16} />, act: () => navigate(addressIn(place, 'chats')) }
}
