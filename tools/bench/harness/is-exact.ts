/**
 * Whether a run's page views were counted as they were answered: every answer is in the count, and beyond the answers only
 * what can have been under way when the load ended, or failed.
 */
export function isExact(
  counted: { from: number; counter: number; consistent: boolean },
  seen: { answers: number; errors: number },
  connections: number,
): boolean {
  const added = counted.counter - counted.from
  return (
    counted.consistent &&
    added >= seen.answers - seen.errors &&
    added <= seen.answers + seen.errors + connections
  )
}
