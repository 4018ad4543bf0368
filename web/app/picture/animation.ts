import { travelMs } from './dots.ts'
import { type Box, type Point, pointAfter, type Route } from './geometry.ts'

/** A ring's answer, ms. */
const answerMs = 250

/** A dot to be flown; times in ms of the flying thread's own clock. */
export type Dot = {
  server: number
  route: Route
  ring: Point
  hue: string
  /** of this visit's own; null = none */
  edge: string | null
  hollow: boolean
  /** px off the line's middle */
  aside: number
  leavesAt: number
}

/** What is to be seen at one moment. */
export type Frame = {
  dots: { dot: Dot; at: Point }[]
  /** rings that answer, and how far they have, 0 to 1 */
  answers: { dot: Dot; part: number }[]
}

/** All dots that are on their way, and the rings that answer to those which arrived. */
export class DotAnimation {
  #flying: Dot[] = []
  /** by server, the last dot that it answered to */
  #answered = new Map<number, Dot>()

  add(dots: Dot[]): void {
    this.#flying.push(...dots)
  }

  /** @returns null once nothing moves any more */
  at(now: number): Frame | null {
    const landed = this.#flying.filter(dot => now >= landsAt(dot))
    for (const dot of landed) this.#answer(dot)
    this.#flying = this.#flying.filter(dot => now < landsAt(dot))
    const answers = [...this.#answered.values()]
      .map(dot => ({ dot, part: (now - landsAt(dot)) / answerMs }))
      .filter(({ part }) => part < 1)
    if (this.#flying.length === 0 && answers.length === 0) return null
    const dots = this.#flying.filter(({ leavesAt }) => now >= leavesAt)
    return { dots: dots.map(dot => ({ dot, at: placeOf(dot, now) })), answers }
  }

  /** A ring that is answering does not begin anew. */
  #answer(dot: Dot): void {
    const last = this.#answered.get(dot.server)
    if (!last || landsAt(dot) >= landsAt(last) + answerMs) this.#answered.set(dot.server, dot)
  }
}

function landsAt({ leavesAt }: Dot): number {
  return leavesAt + travelMs
}

function placeOf({ route, aside, leavesAt }: Dot, now: number): Point {
  const { x, y } = pointAfter(route, (now - leavesAt) / travelMs)
  return route.upright ? { x: x + aside, y } : { x, y: y + aside }
}

// What the page tells the thread that draws.

/** The first message: what to draw on. */
export type StartMessage = { canvas: OffscreenCanvas }

export type DotsMessage = {
  /** px of the picture, what covers the dots, and px of the screen in one of the picture's */
  stage: { left: number; width: number; height: number; covers: Box[]; ratio: number }
  dots: (Omit<Dot, 'leavesAt'> & { leavesIn: number })[]
}
