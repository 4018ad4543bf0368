import { readUsage } from './read-usage.ts'

/** Begins to measure; the function returned says how many cores these process groups had in use since, on average. */
export function watchCores(groups: number[]): () => number {
  const begun = performance.now()
  const before = readUsage(groups).cpuSeconds
  return () => {
    const seconds = (performance.now() - begun) / 1000
    return (readUsage(groups).cpuSeconds - before) / seconds
  }
}
