import styles from './keys.module.css'

const onApple = /Mac|iPhone|iPad/.test(navigator.platform)

const SIGNS: Readonly<Record<string, string>> = onApple
  ? { mod: '⌘', shift: '⇧', alt: '⌥', enter: '↵', escape: 'esc', up: '↑', down: '↓' }
  : { mod: 'Ctrl', shift: 'Shift', alt: 'Alt', enter: 'Enter', escape: 'Esc', up: '↑', down: '↓' }

/** A shortcut as it stands on this keyboard: `mod+k`. */
export function Keys({ keys }: { readonly keys: string }) {
  return (
    <span className={styles.keys}>
      {keys.split('+').map((key) => <kbd key={key} className={styles.key}>{SIGNS[key] ?? key.toUpperCase()}</kbd>)}
    </span>
  )
}
