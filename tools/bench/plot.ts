/** A figure over another: what grows, and what it costs. */
export type Plot = {
  title: string
  /** names of the axes, units in them */
  x: string
  y: string
  xScale: 'linear' | 'logarithmic'
  points: { x: number; y: number }[]
}
