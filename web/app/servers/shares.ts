/**
 * Shares of a whole in thousandths, which add up to 1000 exactly: each rounded down, and what is left given one by
 * one to the largest remainders. All 0 when there is nothing to share.
 */
export function sharesOf(counts: number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return counts.map(() => 0)
  const exact = counts.map(count => (count * 1000) / total)
  const shares = exact.map(Math.floor)
  const left = 1000 - shares.reduce((sum, share) => sum + share, 0)
  const byRemainder = exact.map((value, place) => ({ place, remainder: value % 1 }))
  byRemainder.sort((a, b) => b.remainder - a.remainder)
  const roundedUp = new Set(byRemainder.slice(0, left).map(({ place }) => place))
  return shares.map((share, place) => (roundedUp.has(place) ? share + 1 : share))
}
