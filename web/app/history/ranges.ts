import type { HistoryRange } from '../../shared/api.ts'

type Range = {
  label: string
  /** of what a bar counts the hits */
  bar: string
  /** how often it is asked for anew */
  refreshMs: number
  /** a time is written under every so many bars, reckoned from the last */
  labelEvery: number
}

export const ranges: Record<HistoryRange, Range> = {
  '5m': { label: '5 min', bar: 'a minute', refreshMs: 3_000, labelEvery: 1 },
  '1h': { label: '1 h', bar: 'a minute', refreshMs: 5_000, labelEvery: 15 },
  '24h': { label: '24 h', bar: '10 minutes', refreshMs: 30_000, labelEvery: 36 },
}

export const rangeNames: HistoryRange[] = ['5m', '1h', '24h']

/** What the address asks for; 5 minutes when it asks for nothing that there is. */
export function rangeOf(text: string): HistoryRange {
  return rangeNames.find(name => name === text) ?? '5m'
}
