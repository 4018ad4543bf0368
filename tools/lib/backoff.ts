/** A part that has run this long counts as well again, in ms. */
export const wellAfter = 10_000

const first = 250
const longest = 10_000

/** How long to wait before the next start, in ms, after `failures` in a row: the first one is at once. */
export function backoff(failures: number): number {
  return failures === 0 ? 0 : Math.min(longest, first * 2 ** (failures - 1))
}
