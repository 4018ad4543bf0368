/** Light or dark by the reader's choice; system = as the device has it. */
export type Theme = 'system' | 'light' | 'dark'

/** Where the choice is remembered. Nothing stands there for "system". */
export const themeKey = 'balance-board theme'

export function isTheme(text: string | null | undefined): text is Theme {
  return text === 'system' || text === 'light' || text === 'dark'
}

const changed = new EventTarget()

/** What <html> says: set before the first paint, and by chooseTheme. */
export function chosenTheme(): Theme {
  const { theme } = document.documentElement.dataset
  return isTheme(theme) ? theme : 'system'
}

/** Shows the page in that theme, and remembers it where the browser lets a page remember. */
export function chooseTheme(theme: Theme): void {
  show(theme)
  try {
    if (theme === 'system') localStorage.removeItem(themeKey)
    else localStorage.setItem(themeKey, theme)
  } catch {
    // Storage is forbidden: the choice holds until the page is left.
  }
}

/** Calls back when the theme is chosen here or in another tab, until the returned function is called. */
export function onThemeChange(heard: () => void): () => void {
  const elsewhere = ({ key, newValue }: StorageEvent) => {
    if (key === themeKey) show(isTheme(newValue) ? newValue : 'system')
  }
  changed.addEventListener('change', heard)
  addEventListener('storage', elsewhere)
  return () => {
    changed.removeEventListener('change', heard)
    removeEventListener('storage', elsewhere)
  }
}

function show(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  changed.dispatchEvent(new Event('change'))
}
