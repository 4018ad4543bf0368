/** The smallest figure that at least `percent` of all are not above. NaN of an empty list. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const place = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  return sorted[place - 1] ?? Number.NaN
}
