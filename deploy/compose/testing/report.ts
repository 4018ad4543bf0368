import type { TestContext } from 'node:test'
import type { Answer } from '../../../tools/lib/visit-once.ts'

/** Leaves the figures of a load in the test's output. */
export function reportLoad(test: TestContext, answers: Answer[]): void {
  const took = answers.map(answer => answer.took).toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(took[Math.floor((took.length - 1) * share)] ?? Number.NaN)
  const failed = answers.filter(answer => answer.status !== 200).length
  test.diagnostic(
    `${failed} of ${answers.length} page views failed; ms: p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`,
  )
}
