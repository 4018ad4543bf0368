import type { Rule } from './dots.ts'
import { type Box, type Curve, type Point, pointAfter } from './geometry.ts'

/** What flies looks like; CSS colours. */
export type Look =
  | {
      shape: 'dot'
      colour: string
      hollow: boolean
      /** marks this page's own visit */
      halo: string | null
      /** marks a moved visit */
      ring?: string
    }
  | { shape: 'capsule'; colour: string; hollow: boolean; hits: number; text: string }

/** A part of a way. */
export type Leg = {
  ms: number
  /** null: it is out of sight, inside NGINX */
  curve: Curve | null
  look: Look
  /** NGINX's rule that applies meanwhile */
  rule?: Rule
  /** it starts where a server did not answer: colour of the cross */
  failed?: string
}

/** A dot or a commit on its way; times in ms of the worker's own clock. */
export type Flight = {
  leavesAt: number
  legs: Leg[]
  /** px away from the middle of the line */
  offset: number
  vertical: boolean
  /** the server whose ring shows the arrival */
  answer: { server: string; ring: Point; hue: string } | null
}

/** What is visible at one moment. */
export type Frame = {
  marks: { look: Look; at: Point }[]
  /** the way of a moved visit to another server */
  bends: { curve: Curve; look: Look }[]
  /** what shows an event and fades, each with its progress, 0 to 1 */
  answers: { ring: Point; hue: string; progress: number }[]
  crosses: { at: Point; colour: string; progress: number }[]
  rules: { rule: Rule; progress: number }[]
}

/** How long a ring shows an arrival, a rule its use, and a cross a failure, in ms. */
const answerMs = 250
const crossMs = 900

/** All dots on their way, and what fades where they have just been. */
export class FlightAnimation {
  #flying: Flight[] = []
  /** by server, when its ring last started, and the flight */
  #answered = new Map<string, { at: number; ring: Point; hue: string }>()
  #used = new Map<Rule, number>()
  #failed: { at: number; point: Point; colour: string }[] = []
  #seenAt = Number.NEGATIVE_INFINITY

  add(flights: Flight[]): void {
    this.#flying.push(...flights)
  }

  /** @returns null when nothing moves any more */
  at(now: number): Frame | null {
    for (const flight of this.#flying) this.#notice(flight, now)
    this.#seenAt = now
    this.#flying = this.#flying.filter(flight => now < landsAt(flight))
    const marks: Frame['marks'] = []
    const bends: Frame['bends'] = []
    for (const flight of this.#flying) {
      const { leg, startedAt } = legAt(flight, now) ?? {}
      if (!leg?.curve || startedAt === undefined) continue
      marks.push({ look: leg.look, at: besides(flight, pointAfter(leg.curve, (now - startedAt) / leg.ms)) })
      if (leg.failed !== undefined) bends.push({ curve: leg.curve, look: leg.look })
    }
    this.#failed = this.#failed.filter(({ at }) => now - at < crossMs)
    const fading = (at: number) => (now - at) / answerMs
    const answers = [...this.#answered.values()]
      .map(({ at, ring, hue }) => ({ ring, hue, progress: fading(at) }))
      .filter(({ progress }) => progress < 1)
    const rules = [...this.#used]
      .map(([rule, at]) => ({ rule, progress: Math.max(0, fading(at)) }))
      .filter(({ progress }) => progress < 1)
    const crosses = this.#failed.map(({ at, point, colour }) => ({
      at: point,
      colour,
      progress: (now - at) / crossMs,
    }))
    if (this.#flying.length + answers.length + rules.length + crosses.length === 0) return null
    return { marks, bends, answers, crosses, rules }
  }

  /** Remembers what happened to the flight since the last frame. */
  #notice(flight: Flight, now: number): void {
    let at = flight.leavesAt
    for (const { ms, rule, failed, curve } of flight.legs) {
      const isNew = at > this.#seenAt && at <= now
      if (rule !== undefined && at <= now && at + ms > this.#seenAt)
        this.#used.set(rule, Math.min(now, at + ms))
      if (isNew && failed !== undefined && curve) this.#failed.push({ at, point: curve[0], colour: failed })
      at += ms
    }
    if (at <= now && flight.answer) this.#answer(flight.answer, at)
  }

  /** A ring that already shows an arrival does not start over. */
  #answer({ server, ring, hue }: NonNullable<Flight['answer']>, at: number): void {
    const last = this.#answered.get(server)
    if (!last || at >= last.at + answerMs) this.#answered.set(server, { at, ring, hue })
  }
}

function landsAt({ leavesAt, legs }: Flight): number {
  return legs.reduce((at, { ms }) => at + ms, leavesAt)
}

function legAt({ leavesAt, legs }: Flight, now: number): { leg: Leg; startedAt: number } | null {
  let startedAt = leavesAt
  if (now < startedAt) return null
  for (const leg of legs) {
    if (now < startedAt + leg.ms) return { leg, startedAt }
    startedAt += leg.ms
  }
  return null
}

function besides({ offset, vertical }: Flight, { x, y }: Point): Point {
  return vertical ? { x: x + offset, y } : { x, y: y + offset }
}

/** The page's first message to the worker: the canvas to draw on. */
export type StartMessage = { canvas: OffscreenCanvas }

/** A flight as the page sends it: the worker has another clock. */
export type SentFlight = Omit<Flight, 'leavesAt'> & { leavesIn: number }

/** Every later message: new flights, and the area as it is now. */
export type FlightsMessage = {
  /** px of the picture; `covers` hide what flies; `ratio` = screen px per px of the picture */
  area: { left: number; width: number; height: number; covers: Box[]; ratio: number }
  rules: Record<Rule, Box>
  /** colour of a rule in use */
  light: string
  flights: SentFlight[]
}
