import { clockFormat } from './clock-text.ts'

let clock: ((iso: string) => string) | undefined

/** Times of the chart, which is only drawn in the browser: its own zone and locale. */
export function useClock(): (iso: string) => string {
  clock ??= clockFormat()
  return clock
}
