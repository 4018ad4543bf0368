import { type Answer, noAnswer } from './visit-once.ts'

/** A page view whose visitor, at an address of its own, did not wait for the answer. */
export function unanswered(from: string): Answer {
  return { ...noAnswer, from, startedAt: performance.now(), took: 0 }
}
