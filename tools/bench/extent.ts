/** How far things grow, and how long each step is measured. */
export type GrowthExtent = {
  replicas: number[]
  connections: number[]
  logRows: number[]
  dashboards: number[]
  /** runs of each step, of which the median is told */
  rounds: number
  /** of a run */
  seconds: number
}

export const fullGrowth: GrowthExtent = {
  replicas: [1, 2, 3, 4, 6, 8],
  connections: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
  logRows: [10_000, 100_000, 1_000_000, 10_000_000],
  dashboards: [0, 500, 1000, 2500, 5000],
  rounds: 3,
  seconds: 5,
}

/** Shows that all of it works, and says nothing about growth. */
export const shortGrowth: GrowthExtent = {
  replicas: [1, 2],
  connections: [1, 8],
  logRows: [10_000, 20_000],
  dashboards: [0, 50],
  rounds: 1,
  seconds: 1,
}
