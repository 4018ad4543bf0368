const thinnest = 1
const thickest = 16

/** px of the line that carries all traffic, hits a second: thin when nothing comes, and twice the traffic a step wider. */
export function trunkWidth(rate: number): number {
  return Math.min(thickest, thinnest + 1.5 * Math.log2(1 + rate))
}

/** px of one server's line: its part of the trunk, and never too thin to be seen. */
export function branchWidth(rate: number, total: number): number {
  return total > 0 ? Math.max(thinnest, (trunkWidth(total) * rate) / total) : thinnest
}
