import type { Answer } from '../../e2e/visit-once.ts'

/** A page view whose visitor, at an address of its own, did not wait for the answer. */
export function unanswered(from: string): Answer {
  return {
    status: 0,
    hit: null,
    srvId: null,
    requestId: null,
    code: null,
    earlierTry: false,
    retryAfter: false,
    from,
    startedAt: performance.now(),
    took: 0,
  }
}
