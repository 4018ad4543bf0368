import type { NextAnswer, NextRequest } from './ask.ts'

/** To the thread that Next runs in. Answers come in any order, so each has the number of its request. */
export type ToThread = { id: number; request: NextRequest }

/** From it: first that Next has started, then answers. `failure` is what Next's handler threw. */
export type FromThread =
  | { kind: 'started' }
  | { kind: 'answer'; id: number; answer: NextAnswer }
  | { kind: 'failure'; id: number; failure: unknown }
