import { useEffect, useMemo } from 'react'
import { addressIn, navigate } from '../address/navigation.ts'
import { commandFor, useCommands } from './commands.ts'
import type { Command } from './commands.ts'
import { useHere } from './place-context.ts'
import { pagesOf } from './sidebar.tsx'
import { useTheme } from './theme.ts'

interface ShellCommandsProps {
  toggleSidebar(): void
  open(what: 'commands' | 'places' | 'keys'): void
}

/** What can be done from everywhere, and the one place that listens to the keyboard. */
export function ShellCommands({ toggleSidebar, open }: ShellCommandsProps) {
  const here = useHere()
  const [theme, setTheme] = useTheme()
  const { place } = here
  const commands = useMemo((): readonly Command[] => [
    { id: 'palette', group: 'Page', label: 'Open the command palette', keys: 'mod+k', act: () => open('commands') },
    { id: 'new-chat', group: 'Chat', label: 'New chat', keys: 'c', act: () => navigate(addressIn(place, 'chats')) },
    ...(place === null ? [] : [{ id: 'places', group: 'Go to', label: 'Another organisation or project', keys: 'p', act: () => open('places') } as const]),
    ...pagesOf(here).map(({ page, label }) => ({ id: `page ${page}`, group: 'Go to', label, act: () => navigate(addressIn(place, page)) }) as const),
    { id: 'sidebar', group: 'Look', label: 'Show or hide the sidebar', keys: 'mod+b', act: toggleSidebar },
    { id: 'theme', group: 'Look', label: theme === 'dark' ? 'Light theme' : 'Dark theme', act: () => setTheme(theme === 'dark' ? 'light' : 'dark') },
    { id: 'shortcuts', group: 'Page', label: 'Keyboard shortcuts', keys: '?', act: () => open('keys') },
  ], [here, place, open, toggleSidebar, theme, setTheme])
  useCommands(commands)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return
      const command = commandFor(event)
      if (!command) return
      event.preventDefault()
      command.act()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
  return null
}
