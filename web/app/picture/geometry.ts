import type { Rule } from './dots.ts'

export type Point = { x: number; y: number }

export type Box = Point & { width: number; height: number }

/** A cubic curve: where it starts, its two control points, and where it ends, in px of the picture. */
export type Curve = [Point, Point, Point, Point]

/** Where a server's dots go, and what they look like. */
export type Place = {
  /** from NGINX to the card, and from there to the database */
  visits: Curve
  commits: Curve
  /** the middle of its mark */
  ring: Point
  /** CSS colours */
  hue: string
  edge: string
  /** another server has the same colour */
  again: boolean
}

/** The picture in px, from its upper left corner. */
export type Places = {
  /** the picture is vertical, as on a phone: the lines leave NGINX downwards */
  vertical: boolean
  /** from the visitors to NGINX, and the text of its rule */
  visitors: Record<Rule, Curve>
  rules: Record<Rule, Box>
  /** by srv_id */
  servers: Map<string, Place>
  /** CSS colours: of texts, of a new visitor, of a moved one */
  inks: { text: string; new: string; moved: string }
}

type Area = {
  /** the canvas is no wider than needed: its cost grows with its pixels */
  left: number
  width: number
  height: number
  /** the dots pass under these */
  covers: Box[]
}

/** Room in px beside the middle of a dot. */
const dotRoom = 8

/** Reads where the parts of the picture are now. */
export function measurePicture(picture: Element): { area: Area; places: Places } {
  const origin = picture.getBoundingClientRect()
  const measure = (element: Element): Box => {
    const { left, top, width, height } = element.getBoundingClientRect()
    return { x: left - origin.left, y: top - origin.top, width, height }
  }
  const part = (name: string, within = picture) => within.querySelector(`[data-part="${name}"]`) ?? within
  const boxOf = (name: string, within = picture) => measure(part(name, within))
  const [cookie, none, nginx, database] = [boxOf('cookie'), boxOf('none'), boxOf('nginx'), boxOf('database')]
  const [out, into] = [boxOf('out'), boxOf('in')]
  const vertical = cookie.y + cookie.height <= nginx.y
  const fork = vertical ? { x: middleOf(out).x, y: out.y } : { x: out.x, y: middleOf(out).y }
  const sink = vertical
    ? { x: middleOf(into).x, y: into.y + into.height }
    : { x: into.x + into.width, y: middleOf(into).y }
  const covers = [cookie, none, nginx, database]
  const servers = new Map<string, Place>()
  for (const card of picture.querySelectorAll('[data-server]')) {
    const box = measure(card)
    covers.push(box)
    const { y } = middleOf(box)
    const mark = part('ring', card)
    servers.set(card.getAttribute('data-server') ?? '', {
      visits: branch(fork, { x: box.x, y }, vertical),
      commits: reversed(branch(sink, { x: box.x + box.width, y }, vertical)),
      ring: middleOf(measure(mark)),
      hue: getComputedStyle(mark).stroke,
      edge: getComputedStyle(card).borderTopColor,
      again: card.hasAttribute('data-again'),
    })
  }
  const trunk = (from: Box) =>
    vertical
      ? straight({ x: middleOf(from).x, y: from.y + from.height }, { x: middleOf(from).x, y: nginx.y })
      : straight({ x: from.x + from.width, y: middleOf(from).y }, { x: nginx.x, y: middleOf(from).y })
  const strokeOf = (name: string) => getComputedStyle(part(name, picture.closest('figure') ?? picture)).stroke
  const left = vertical ? 0 : cookie.x + cookie.width - dotRoom
  const right = vertical ? origin.width : database.x + dotRoom
  return {
    area: { left, width: right - left, height: origin.height, covers },
    places: {
      vertical,
      visitors: { cookie: trunk(cookie), none: trunk(none) },
      rules: { cookie: boxOf('cookie-rule'), none: boxOf('none-rule') },
      servers,
      inks: {
        text: getComputedStyle(picture).color,
        new: strokeOf('new-mark'),
        moved: strokeOf('moved-mark'),
      },
    },
  }
}

function middleOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 }
}

export function straight(from: Point, to: Point): Curve {
  return [from, between(from, to, 1 / 3), between(from, to, 2 / 3), to]
}

/**
 * From NGINX to a card. A horizontal branch leaves and arrives level: its control points are halfway. A vertical one goes
 * down and turns: both control points are at the corner. `Branches` in picture.tsx draws the same curves.
 */
export function branch(fork: Point, to: Point, vertical: boolean): Curve {
  if (vertical) {
    const corner = { x: fork.x, y: to.y }
    return [fork, corner, corner, to]
  }
  const half = (fork.x + to.x) / 2
  return [fork, { x: half, y: fork.y }, { x: half, y: to.y }, to]
}

export function reversed([a, b, c, d]: Curve): Curve {
  return [d, c, b, a]
}

/** How far before a card a visit meets that the server does not answer, in px. */
const stopRoom = 12
/** How far a moved visit goes back towards NGINX, in px. */
const bend = 56

/** From NGINX to the server that did not answer; stops in front of its card. */
export function toLostServer(visits: Curve, vertical: boolean): Curve {
  const [from, first, second, to] = visits
  const stop = { x: to.x - stopRoom, y: to.y }
  return vertical ? [from, first, second, stop] : branch(from, stop, false)
}

/** From in front of one card back and into another. */
export function toOtherServer(lost: Curve, visits: Curve, vertical: boolean): Curve {
  const [from, to] = [lost[3], visits[3]]
  const back = vertical ? visits[0].x : Math.max(visits[0].x, Math.min(from.x, to.x) - bend)
  return [from, { x: back, y: from.y }, { x: back, y: to.y }, to]
}

/** The point after this part of the time, 0 to 1: fast at first. */
export function pointAfter(curve: Curve, time: number): Point {
  return pointAt(curve, 1 - (1 - time) ** 2)
}

export function pointAt([from, first, second, to]: Curve, t: number): Point {
  const cubic = (a: number, b: number, c: number, d: number) =>
    a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t ** 2 * (1 - t) + d * t ** 3
  return { x: cubic(from.x, first.x, second.x, to.x), y: cubic(from.y, first.y, second.y, to.y) }
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

/** Width in px of a part of it: its share of the traffic, and always visible. */
export function branchWidth(rate: number, total: number): number {
  return total > 0 ? Math.max(minWidth, (trunkWidth(total) * rate) / total) : minWidth
}

/** Width in px of a commit: a dot for one hit, and longer with each further one. */
export function capsuleWidth(hits: number): number {
  return Math.min(44, 8 + 4 * (hits - 1))
}

/** Height in px of a bar, if the highest has the height `full`. At least 2: the line that the bars stand on may cover 1. */
export function barHeight(value: number, highest: number, full: number): number {
  return Math.max(2, Math.round((value / highest) * full))
}
