import { useSyncExternalStore } from 'react'

const never = () => () => {}

/**
 * Whether NGINX had sent this page view to another server before, which did not answer. It says so in the answer's headers, of
 * which a page can read this one alone, and only over HTTPS or on localhost.
 */
export function useEarlierTry(): boolean {
  return useSyncExternalStore(never, hasEarlierTry, () => false)
}

function hasEarlierTry(): boolean {
  const [entry] = performance.getEntriesByType('navigation')
  const timings = entry instanceof PerformanceNavigationTiming ? entry.serverTiming : []
  return !!timings?.some(({ name }) => name === 'earlier-try')
}
