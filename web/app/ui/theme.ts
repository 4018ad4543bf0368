/** Light or dark by the reader's choice; system = as the device has it. */
export type Theme = 'system' | 'light' | 'dark'

/** Where the choice is remembered. Nothing stands there for "system". */
export const themeKey = 'balance-board theme'

export function isTheme(text: string | null | undefined): text is Theme {
  return text === 'system' || text === 'light' || text === 'dark'
}
