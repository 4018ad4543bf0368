import { useSyncExternalStore } from 'react'
import { chooseTheme, chosenTheme, onThemeChange } from '../ui/chosen-theme.ts'
import field from '../ui/field.module.css'
import { isTheme, type Theme } from '../ui/theme.ts'
import styles from './theme-choice.module.css'

/** Light, dark, or as the device has it. Of no use without JavaScript, and not shown then. */
export function ThemeChoice() {
  const theme = useSyncExternalStore(onThemeChange, chosenTheme, (): Theme => 'system')
  return (
    <label className={`${field.label} ${styles.choice}`}>
      Theme
      <select
        className={`${field.field} ${styles.select}`}
        value={theme}
        onChange={({ target }) => isTheme(target.value) && chooseTheme(target.value)}
      >
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  )
}
