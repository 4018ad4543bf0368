import type { Box } from './measure-stage.ts'
import type { Dot } from './swarm.ts'

// What the page tells the thread that draws.

/** The first message: what to draw on. */
export type SkyStart = { canvas: OffscreenCanvas }

export type SkyOrder = {
  /** px of the picture, what covers the dots, and px of the screen in one of the picture's */
  stage: { left: number; width: number; height: number; covers: Box[]; ratio: number }
  dots: (Omit<Dot, 'leavesAt'> & { leavesIn: number })[]
}
