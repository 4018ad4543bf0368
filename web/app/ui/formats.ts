import { type Figures, localFigures, plainFigures } from './figures.ts'
import { useHydrated } from './page-lifecycle.ts'

export type Formats = Figures & {
  /**
   * Attributes for an element whose text has figures of one kind. In the HTML they let a script format the figures before the
   * first paint (script-sources.tsx), so the element's text is as it will be, and React accepts it.
   */
  mark(kind: keyof Figures): { 'data-figure'?: keyof Figures; suppressHydrationWarning?: true }
}

export const plainFormats: Formats = {
  ...plainFigures,
  mark: kind => ({ 'data-figure': kind, suppressHydrationWarning: true }),
}

let readerFormats: Formats | undefined

/** Plain until the page runs in the browser; then in the reader's locale. */
export function useFormats(): Formats {
  if (!useHydrated()) return plainFormats
  readerFormats ??= { ...localFigures(), mark: () => ({}) }
  return readerFormats
}

/** A space as wide as a digit. */
const figureSpace = '\u2007'

/** Pads a rate to three characters, so that its start does not move when it passes 100. */
export function padRate(rate: string): string {
  return rate.padStart(3, figureSpace)
}
