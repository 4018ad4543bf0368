/**
 * How evenly the hits go to the servers, by Jain's index: the square of the sum over n times the sum of the squares.
 * 1 = all alike, 1/n = one has all. Null when there is nothing to share, or nobody to share it with.
 * (R. Jain, D. Chiu, W. Hawe: A Quantitative Measure of Fairness, DEC-TR-301, 1984.)
 */
export function fairness(rates: number[]): number | null {
  const sum = rates.reduce((total, rate) => total + rate, 0)
  const squares = rates.reduce((total, rate) => total + rate * rate, 0)
  return squares > 0 ? (sum * sum) / (rates.length * squares) : null
}
