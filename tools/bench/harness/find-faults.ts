import type { Summary } from './summary.ts'

/** What makes a comparison worthless, a sentence each: a contender that answered nothing, or did not count exactly. */
export function findFaults(summaries: Summary[]): string[] {
  return summaries.flatMap(({ name, answers, errors, exact }) => [
    ...(answers > errors ? [] : [`${name} answered no page view`]),
    ...(exact === false ? [`${name} did not count every page view once`] : []),
  ])
}
