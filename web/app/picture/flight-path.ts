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
