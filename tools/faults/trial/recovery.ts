import type { Answer } from '../../lib/visit-once.ts'

/**
 * ms from `overAt` until every replica had answered a page view begun after it, and the last page view had failed.
 * Null while a replica has not.
 */
export function recoveryTime(views: Answer[], overAt: number, srvIds: string[]): number | null {
  const firsts = new Map<string, number>()
  let back = overAt
  for (const { status, srvId, startedAt, took } of views) {
    const endedAt = startedAt + took
    if (status !== 200) back = Math.max(back, endedAt)
    else if (srvId !== null && startedAt >= overAt)
      firsts.set(srvId, Math.min(endedAt, firsts.get(srvId) ?? endedAt))
  }
  if (srvIds.some(srvId => !firsts.has(srvId))) return null
  return Math.max(back, ...firsts.values()) - overAt
}
