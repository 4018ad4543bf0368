import { type Formats, localFormats, plainFormats } from './formats.ts'
import { useHydrated } from './use-hydrated.ts'

let local: Formats | undefined

/** Plain until the page runs in the browser, the reader's own from then on. */
export function useFormats(): Formats {
  if (!useHydrated()) return plainFormats
  local ??= localFormats()
  return local
}
