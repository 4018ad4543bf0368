import colour from '../marks/hue.module.css'
import { hueAttributes } from '../marks/hue.ts'
import { pointAt } from './flight-path.ts'
import { type Flight, progress } from './flights.ts'
import { measurePlaces, type Place } from './measure-routes.ts'
import styles from './sky.module.css'

/** How far off the line's middle a dot may be, px. */
const sway = 3

/** The dots above the picture. They are drawn past React, frame by frame, and only while one flies. */
export class Sky {
  readonly #stage: Element
  readonly #drawing: SVGElement
  readonly #circles = new Map<Flight, SVGCircleElement>()
  #flights: Flight[] = []
  #places = new Map<number, Place>()
  #frame: number | null = null

  constructor(stage: Element, drawing: SVGElement) {
    this.#stage = stage
    this.#drawing = drawing
  }

  /** @param hueOf place in the set of colours, by server */
  launch(flights: Flight[], hueOf: (server: number) => number | undefined): void {
    if (flights.length === 0) return
    this.#places = measurePlaces(this.#stage)
    for (const flight of flights) {
      if (!this.#places.has(flight.server)) continue
      this.#flights.push(flight)
      this.#circles.set(flight, makeCircle(flight, hueOf(flight.server)))
    }
    this.#frame ??= requestAnimationFrame(this.#draw)
  }

  clear(): void {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame)
    this.#frame = null
    this.#flights = []
    this.#circles.clear()
    this.#drawing.replaceChildren()
  }

  #draw = (): void => {
    const { flying, landed, left } = progress(this.#flights, performance.now())
    for (const { flight, far } of flying) {
      const circle = this.#circles.get(flight)
      const place = this.#places.get(flight.server)
      if (!circle || !place) continue
      const { x, y } = pointAt(place.route, far)
      const aside = flight.aside * sway
      const [dx, dy] = place.route.upright ? [aside, 0] : [0, aside]
      circle.setAttribute('transform', `translate(${(x + dx).toFixed(1)} ${(y + dy).toFixed(1)})`)
      if (!circle.parentNode) this.#drawing.append(circle)
    }
    for (const flight of landed) {
      this.#circles.get(flight)?.remove()
      this.#circles.delete(flight)
      answer(this.#places.get(flight.server)?.ring)
    }
    this.#flights = left
    this.#frame = left.length > 0 ? requestAnimationFrame(this.#draw) : null
  }
}

/** The ring answers once; a ring that is answering does not begin anew. */
function answer(ring: Element | null | undefined): void {
  if (!ring || ring.getAnimations().length > 0) return
  ring.animate([{ transform: 'scale(1)' }, { transform: 'scale(1.35)' }, { transform: 'scale(1)' }], {
    duration: 250,
    easing: 'ease-out',
  })
}

function makeCircle(flight: Flight, hue: number | undefined): SVGCircleElement {
  const circle = document.createElementNS('http://www.w3.org/2000/svg', 'circle')
  circle.setAttribute('class', `${colour.hue} ${flight.own ? styles.own : styles.dot}`)
  circle.setAttribute('r', flight.own ? '7' : '4')
  for (const [name, value] of Object.entries(hueAttributes(hue))) circle.setAttribute(name, String(value))
  return circle
}
