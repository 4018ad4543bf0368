import { useSyncExternalStore } from 'react'

const never = () => () => {}

/**
 * Whether NGINX had sent this page view to another server before, which did not answer. Of the headers that say so a page can
 * read `Server-Timing` alone, and that only over HTTPS or on localhost.
 */
export function useEarlierTry(): boolean {
  return useSyncExternalStore(never, hasEarlierTry, () => false)
}

function hasEarlierTry(): boolean {
  const [entry] = performance.getEntriesByType('navigation')
  const timings = entry instanceof PerformanceNavigationTiming ? entry.serverTiming : []
  return !!timings?.some(({ name }) => name === 'earlier-try')
}
