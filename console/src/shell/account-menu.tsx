import { Keyboard, LogOut, Monitor, Moon, Sun } from 'lucide-react'
import { Menu } from '../design/menu.tsx'
import { home } from '../home.ts'
import styles from './account-menu.module.css'
import { useHere } from './place-context.ts'
import { useSignOut } from './sign-out.tsx'
import { useTheme } from './theme.ts'
import type { Theme } from './theme.ts'

const THEMES: readonly { readonly theme: Theme; readonly label: string; readonly icon: typeof Sun }[] = [
  { theme: 'system', label: 'Like the system', icon: Monitor },
  { theme: 'light', label: 'Light', icon: Sun },
  { theme: 'dark', label: 'Dark', icon: Moon },
]

/** Who one is, how it looks, and the way out. */
export function AccountMenu({ showKeys }: { showKeys(): void }) {
  const { me, scope } = useHere()
  const leave = useSignOut()
  const [theme, setTheme] = useTheme()
  const name = me.name ?? me.subject
  return (
    <Menu
      align="start"
      trigger={
        <button type="button" className={styles.account}>
          <span className={styles.face} aria-hidden>{name.slice(0, 1).toUpperCase()}</span>
          <span className={styles.name}>{name}</span>
          <span className={styles.role}>{scope.role}</span>
        </button>
      }
      groups={[
        THEMES.map(({ theme: one, label, icon: Icon }) => ({ label, icon: <Icon size={16} />, checked: theme === one, act: () => setTheme(one) })),
        [{ label: 'Keyboard shortcuts', icon: <Keyboard size={16} />, keys: '?', act: showKeys }],
        home.signIn ? [{ label: 'Sign out', icon: <LogOut size={16} />, act: leave }] : [],
      ]}
    />
  )
}
