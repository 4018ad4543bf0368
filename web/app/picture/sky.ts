import colour from '../marks/hue.module.css'
import { hueAttributes } from '../marks/hue.ts'
import { type Point, wayOf } from './flight-path.ts'
import { type Flight, flightMs } from './flights.ts'
import { measurePlaces } from './measure-routes.ts'
import styles from './sky.module.css'

/** How far off the line's middle a dot may be, px. */
const sway = 3
/** Straight pieces that a way is flown in: enough to look round. */
const pieces = 20

/**
 * The dots above the picture. Each is handed to the browser with its whole way, so that no script runs while it flies,
 * and nothing at all when none does.
 */
export class Sky {
  readonly #stage: Element
  readonly #dots: Element

  constructor(stage: Element, dots: Element) {
    this.#stage = stage
    this.#dots = dots
  }

  /** @param hueOf place in the set of colours, by server */
  launch(flights: Flight[], hueOf: (server: number) => number | undefined): void {
    if (flights.length === 0) return
    const places = measurePlaces(this.#stage)
    const now = performance.now()
    for (const flight of flights) {
      const place = places.get(flight.server)
      if (!place) continue
      const { route, ring } = place
      const aside = flight.aside * sway
      const [dx, dy] = route.upright ? [aside, 0] : [0, aside]
      const way = wayOf(route, pieces).map(({ x, y }) => keyframe({ x: x + dx, y: y + dy }))
      const dot = makeDot(flight, hueOf(flight.server))
      this.#dots.append(dot)
      const animation = dot.animate(way, { duration: flightMs, delay: Math.max(0, flight.leavesAt - now) })
      animation.onfinish = () => {
        dot.remove()
        answer(ring)
      }
    }
  }

  clear(): void {
    this.#dots.replaceChildren()
  }
}

function keyframe({ x, y }: Point): Keyframe {
  return { transform: `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`, opacity: 1 }
}

/** The ring answers once; a ring that is answering does not begin anew. */
function answer(ring: Element | null): void {
  if (!ring || ring.getAnimations().length > 0) return
  ring.animate([{ transform: 'scale(1)' }, { transform: 'scale(1.35)' }, { transform: 'scale(1)' }], {
    duration: 250,
    easing: 'ease-out',
  })
}

function makeDot(flight: Flight, hue: number | undefined): HTMLElement {
  const dot = document.createElement('span')
  dot.className = `${colour.hue} ${styles.dot} ${flight.own ? styles.own : ''}`
  for (const [name, value] of Object.entries(hueAttributes(hue))) dot.setAttribute(name, String(value))
  return dot
}
