import type { Point, Route } from './flight-path.ts'

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
export type Stage = {
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

export function measureStage(stage: Element): Stage {
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
