export type Point = { x: number; y: number }

export type Box = Point & { width: number; height: number }

/** The way of a hit, in px of the picture: straight from the visitors to NGINX, then along its server's line. */
export type Route = {
  from: Point
  /** where it enters NGINX */
  gate: Point
  /** where it leaves NGINX */
  fork: Point
  to: Point
  /** the picture is vertical, as on a phone: the lines leave NGINX downwards */
  vertical: boolean
}

/** Where a server's dots go, and what they look like. */
export type Place = {
  route: Route
  /** the middle of its ring */
  ring: Point
  /** CSS colours */
  hue: string
  edge: string
  /** another server has the same colour */
  hollow: boolean
}

/** The picture in px, from its upper left corner. */
type CanvasArea = {
  /** the canvas is no wider than the dots and rings need: its cost grows with its pixels */
  left: number
  width: number
  height: number
  /** the dots pass under these */
  covers: Box[]
  /** by the id of the server's instance */
  places: Map<number, Place>
}

/** Room in px beside the middle of a dot, and of a ring that shows an arrival. */
const dotRoom = 8
const ringRoom = 16

export function measureCanvasArea(picture: Element): CanvasArea {
  const origin = picture.getBoundingClientRect()
  const measure = (element: Element): Box => {
    const { left, top, width, height } = element.getBoundingClientRect()
    return { x: left - origin.left, y: top - origin.top, width, height }
  }
  const boxOf = (part: string, within = picture) =>
    measure(within.querySelector(`[data-part="${part}"]`) ?? within)
  const [visitors, nginx, branches] = [boxOf('visitors'), boxOf('nginx'), boxOf('branches')]
  const trunk = trunkOf(visitors, nginx, branches)
  const covers = [visitors, nginx, boxOf('database')]
  const places = new Map<number, Place>()
  for (const card of picture.querySelectorAll('[data-server]')) {
    const box = measure(card)
    covers.push(box)
    places.set(Number(card.getAttribute('data-server')), {
      route: { ...trunk, to: { x: box.x, y: box.y + box.height / 2 } },
      ring: middleOf(boxOf('ring', card)),
      hue: getComputedStyle(card.querySelector('circle') ?? card).stroke,
      edge: getComputedStyle(card).borderTopColor,
      hollow: card.hasAttribute('data-again'),
    })
  }
  const left = trunk.vertical ? 0 : Math.max(0, trunk.from.x - dotRoom)
  const right = Math.max(left, ...[...places.values()].map(({ ring }) => ring.x)) + ringRoom
  return { left, width: right - left, height: origin.height, covers, places }
}

/** The part of the way that all hits share: from the visitors to where the lines part. */
function trunkOf(visitors: Box, nginx: Box, branches: Box): Omit<Route, 'to'> {
  const middle = middleOf(branches)
  if (visitors.y + visitors.height <= nginx.y) {
    return {
      from: { x: middle.x, y: visitors.y + visitors.height },
      gate: { x: middle.x, y: nginx.y },
      fork: { x: middle.x, y: branches.y },
      vertical: true,
    }
  }
  return {
    from: { x: visitors.x + visitors.width, y: middle.y },
    gate: { x: nginx.x, y: middle.y },
    fork: { x: branches.x, y: middle.y },
    vertical: false,
  }
}

function middleOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 }
}

/** A dot is at NGINX after this part of its way. */
const gateAt = 0.35

/** The point after this part of the time, 0 to 1: fast at first. */
export function pointAfter(route: Route, time: number): Point {
  return pointAt(route, 1 - (1 - time) ** 2)
}

/** The point after this part of the way, 0 to 1. */
export function pointAt({ from, gate, fork, to, vertical }: Route, part: number): Point {
  if (part < gateAt) return between(from, gate, part / gateAt)
  return onBranch(fork, to, vertical, (part - gateAt) / (1 - gateAt))
}

/**
 * A branch is a cubic curve. A horizontal one leaves and arrives level: its control points are halfway. A vertical one goes
 * down and turns: both control points are at the corner. `Branches` in picture.tsx draws the same curves.
 */
function onBranch(fork: Point, to: Point, vertical: boolean, t: number): Point {
  const half = (fork.x + to.x) / 2
  const corner = { x: fork.x, y: to.y }
  const [first, second] = vertical
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

const minWidth = 1
const maxWidth = 16

/** Width in px of the line that carries all traffic (hits/s). It grows by one step when the traffic doubles. */
export function trunkWidth(rate: number): number {
  return Math.min(maxWidth, minWidth + 1.5 * Math.log2(1 + rate))
}

/** Width in px of one server's line: its share of the trunk, and always visible. */
export function branchWidth(rate: number, total: number): number {
  return total > 0 ? Math.max(minWidth, (trunkWidth(total) * rate) / total) : minWidth
}
