import type { Run } from './measure-run.ts'

/** A run in which all went well, for tests. */
export const fakeRun = (rate: number, more: Partial<Run> = {}): Run => ({
  rate,
  answers: rate,
  p50Ms: 1,
  p99Ms: 2,
  errors: 0,
  bytesEach: 100,
  cores: { servers: 1, nginx: 0.2, database: 0.3 },
  bytes: 1e8,
  exact: true,
  ...more,
})
