/** `system` = as on the device. */
export type Theme = 'system' | 'light' | 'dark'

/** The storage key of the choice. Nothing is stored for `system`. */
export const themeKey = 'balance-board theme'

export function isTheme(text: string | null | undefined): text is Theme {
  return text === 'system' || text === 'light' || text === 'dark'
}

const changed = new EventTarget()

/** The theme on <html>: set before the first paint, and by chooseTheme. */
export function chosenTheme(): Theme {
  const { theme } = document.documentElement.dataset
  return isTheme(theme) ? theme : 'system'
}

/** Shows the page in this theme, and stores the choice if the browser allows it. */
export function chooseTheme(theme: Theme): void {
  show(theme)
  try {
    if (theme === 'system') localStorage.removeItem(themeKey)
    else localStorage.setItem(themeKey, theme)
  } catch {
    // Storage is forbidden: the choice lasts until the reader leaves the page.
  }
}

/** Calls back when the theme is chosen here or in another tab, until the returned function is called. */
export function onThemeChange(onChange: () => void): () => void {
  const elsewhere = ({ key, newValue }: StorageEvent) => {
    if (key === themeKey) show(isTheme(newValue) ? newValue : 'system')
  }
  changed.addEventListener('change', onChange)
  addEventListener('storage', elsewhere)
  return () => {
    changed.removeEventListener('change', onChange)
    removeEventListener('storage', elsewhere)
  }
}

function show(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  changed.dispatchEvent(new Event('change'))
}
