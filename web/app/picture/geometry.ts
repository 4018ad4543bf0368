export type Box = { x: number; y: number; width: number; height: number }

/** A server's place in the picture as it now stands in the window. */
export type Place = {
  route: Route
  /** the middle of its ring */
  ring: Point
  /** colours, as a canvas takes them */
  hue: string
  edge: string
  /** its colour comes for the second time */
  again: boolean
}

/** The picture in px, from its upper left corner. */
type CanvasArea = {
  /** from where to as far as dots fly and rings answer: what is drawn on has its price by the pixel */
  left: number
  width: number
  height: number
  /** what dots pass beneath */
  covers: Box[]
  /** where each server's hits travel, by its life's id */
  places: Map<number, Place>
}

/** px beside the middle of a dot, and of a ring for its answer. */
const dotRoom = 8
const ringRoom = 16

export function measureCanvasArea(stage: Element): CanvasArea {
  const origin = stage.getBoundingClientRect()
  const measure = (element: Element): Box => {
    const { left, top, width, height } = element.getBoundingClientRect()
    return { x: left - origin.left, y: top - origin.top, width, height }
  }
  const boxOf = (part: string, within = stage) =>
    measure(within.querySelector(`[data-part="${part}"]`) ?? within)
  const [visitors, nginx, branches] = [boxOf('visitors'), boxOf('nginx'), boxOf('branches')]
  const way = wayOut(visitors, nginx, branches)
  const covers = [visitors, nginx, boxOf('database')]
  const places = new Map<number, Place>()
  for (const card of stage.querySelectorAll('[data-server]')) {
    const box = measure(card)
    covers.push(box)
    places.set(Number(card.getAttribute('data-server')), {
      route: { ...way, to: { x: box.x, y: box.y + box.height / 2 } },
      ring: middleOf(boxOf('ring', card)),
      hue: getComputedStyle(card.querySelector('circle') ?? card).stroke,
      edge: getComputedStyle(card).borderTopColor,
      again: card.hasAttribute('data-again'),
    })
  }
  const left = way.upright ? 0 : Math.max(0, way.from.x - dotRoom)
  const farthest = Math.max(left, ...[...places.values()].map(({ ring }) => ring.x))
  return { left, width: farthest + ringRoom - left, height: origin.height, covers, places }
}

/** From the visitors to where the lines part. */
function wayOut(visitors: Box, nginx: Box, branches: Box): Omit<Route, 'to'> {
  const spine = middleOf(branches)
  if (visitors.y + visitors.height <= nginx.y) {
    return {
      from: { x: spine.x, y: visitors.y + visitors.height },
      gate: { x: spine.x, y: nginx.y },
      fork: { x: spine.x, y: branches.y },
      upright: true,
    }
  }
  return {
    from: { x: visitors.x + visitors.width, y: spine.y },
    gate: { x: nginx.x, y: spine.y },
    fork: { x: branches.x, y: spine.y },
    upright: false,
  }
}

function middleOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 }
}

export type Point = { x: number; y: number }

/** Where a hit travels, in px of the picture: straight from the visitors to NGINX, then along its server's line. */
export type Route = {
  from: Point
  /** where it enters NGINX */
  gate: Point
  /** where it leaves NGINX */
  fork: Point
  to: Point
  /** the picture stands upright: the lines leave NGINX downwards */
  upright: boolean
}

/** Of the way, what is behind it at NGINX. */
const gateAt = 0.35

/** The place after that part of the way, 0 to 1. */
export function pointAt({ from, gate, fork, to, upright }: Route, far: number): Point {
  if (far < gateAt) return between(from, gate, far / gateAt)
  return onBranch(fork, to, upright, (far - gateAt) / (1 - gateAt))
}

/** The same after that part of the time: quick at first. */
export function pointAfter(route: Route, time: number): Point {
  return pointAt(route, 1 - (1 - time) ** 2)
}

/**
 * A branch is a cubic curve. Lying, it leaves and arrives level: its control points stand halfway. Upright it goes down
 * and turns: both stand at the corner. The drawn lines (branches.tsx) are the same curves.
 */
function onBranch(fork: Point, to: Point, upright: boolean, t: number): Point {
  const half = (fork.x + to.x) / 2
  const corner = { x: fork.x, y: to.y }
  const [first, second] = upright
    ? [corner, corner]
    : [
        { x: half, y: fork.y },
        { x: half, y: to.y },
      ]
  const cubic = (a: number, b: number, c: number, d: number) =>
    a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t ** 2 * (1 - t) + d * t ** 3
  return {
    x: cubic(fork.x, first.x, second.x, to.x),
    y: cubic(fork.y, first.y, second.y, to.y),
  }
}

function between(a: Point, b: Point, part: number): Point {
  return { x: a.x + (b.x - a.x) * part, y: a.y + (b.y - a.y) * part }
}

const thinnest = 1
const thickest = 16

/** px of the line that carries all traffic, hits a second: thin when nothing comes, and twice the traffic a step wider. */
export function trunkWidth(rate: number): number {
  return Math.min(thickest, thinnest + 1.5 * Math.log2(1 + rate))
}

/** px of one server's line: its part of the trunk, and never too thin to be seen. */
export function branchWidth(rate: number, total: number): number {
  return total > 0 ? Math.max(thinnest, (trunkWidth(total) * rate) / total) : thinnest
}
