import { travelMs } from './dots.ts'
import { type Box, type Point, pointAfter, type Route } from './geometry.ts'

/** How long a ring shows that a dot arrived, in ms. */
const answerMs = 250

/** A dot to draw; times in ms of the worker's own clock. */
export type Dot = {
  server: number
  route: Route
  ring: Point
  hue: string
  /** colour of the outline that marks this page's own visit; null = none */
  edge: string | null
  hollow: boolean
  /** px away from the middle of the line */
  offset: number
  leavesAt: number
}

/** What is visible at one moment. */
export type Frame = {
  dots: { dot: Dot; at: Point }[]
  /** the rings that show an arrival, each with its progress, 0 to 1 */
  answers: { dot: Dot; progress: number }[]
}

/** All dots on their way, and the rings of the servers that some have just reached. */
export class DotAnimation {
  #flying: Dot[] = []
  /** by server, the dot that its ring shows or showed last */
  #answered = new Map<number, Dot>()

  add(dots: Dot[]): void {
    this.#flying.push(...dots)
  }

  /** @returns null when nothing moves any more */
  at(now: number): Frame | null {
    const landed = this.#flying.filter(dot => now >= landsAt(dot))
    for (const dot of landed) this.#answer(dot)
    this.#flying = this.#flying.filter(dot => now < landsAt(dot))
    const answers = [...this.#answered.values()]
      .map(dot => ({ dot, progress: (now - landsAt(dot)) / answerMs }))
      .filter(({ progress }) => progress < 1)
    if (this.#flying.length === 0 && answers.length === 0) return null
    const dots = this.#flying.filter(({ leavesAt }) => now >= leavesAt)
    return { dots: dots.map(dot => ({ dot, at: placeOf(dot, now) })), answers }
  }

  /** A ring that already shows an arrival does not start over. */
  #answer(dot: Dot): void {
    const last = this.#answered.get(dot.server)
    if (!last || landsAt(dot) >= landsAt(last) + answerMs) this.#answered.set(dot.server, dot)
  }
}

function landsAt({ leavesAt }: Dot): number {
  return leavesAt + travelMs
}

function placeOf({ route, offset, leavesAt }: Dot, now: number): Point {
  const { x, y } = pointAfter(route, (now - leavesAt) / travelMs)
  return route.vertical ? { x: x + offset, y } : { x, y: y + offset }
}

/** The page's first message to the worker: the canvas to draw on. */
export type StartMessage = { canvas: OffscreenCanvas }

/** Every later message: new dots, and the area as it is now. */
export type DotsMessage = {
  /** px of the picture; `covers` hide the dots; `ratio` = screen px per px of the picture */
  area: { left: number; width: number; height: number; covers: Box[]; ratio: number }
  dots: (Omit<Dot, 'leavesAt'> & { leavesIn: number })[]
}
