import type { Formats } from '../ui/formats.ts'

/** "2.1 / 9.4": the middle and the slow end of page views lately; a dash where there were none. */
export function latencyText(p50: number | null, p99: number | null, { rate }: Formats): string {
  return p50 === null || p99 === null ? '–' : `${rate(p50)} / ${rate(p99)}`
}

/** "3 overloaded, 1 outcome_unknown": errors by code, the most first; empty without any. */
export function errorCodesText(codes: Record<string, number>, { whole }: Formats): string {
  return Object.entries(codes)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${whole(count)} ${code}`)
    .join(', ')
}

/** In whole megabytes; 0 where a server has not said yet. */
export function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000)
}
