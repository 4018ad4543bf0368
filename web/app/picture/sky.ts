import type { Flight } from './flights.ts'
import { measureStage, type Place } from './measure-stage.ts'
import type { SkyOrder, SkyStart } from './sky-order.ts'

/** How far off the line's middle a dot may be, px. */
const sway = 3

/** The dots above the picture. They are drawn in a thread of their own, which rests while none flies. */
export class Sky {
  readonly #stage: Element
  readonly #canvas = document.createElement('canvas')
  readonly #watch = new IntersectionObserver(([entry]) => {
    this.#inView = entry?.isIntersecting ?? false
  })
  #inView = true
  #tried = false
  #worker: Worker | undefined

  /** @param sky where the canvas goes */
  constructor(stage: Element, sky: Element) {
    this.#stage = stage
    sky.append(this.#canvas)
    this.#watch.observe(stage)
  }

  launch(flights: Flight[]): void {
    if (flights.length === 0 || !this.#inView) return
    const { places, ...stage } = measureStage(this.#stage)
    const dots = flights.flatMap(flight => {
      const place = places.get(flight.server)
      return place ? [dotOf(flight, place)] : []
    })
    const order: SkyOrder = { stage: { ...stage, ratio: devicePixelRatio }, dots }
    this.#canvas.style.left = `${stage.left}px`
    this.#canvas.style.width = `${stage.width}px`
    this.#startDrawing()
    this.#worker?.postMessage(order)
  }

  close(): void {
    this.#watch.disconnect()
    this.#worker?.terminate()
    this.#canvas.remove()
  }

  /** Once. Where the browser has no such worker or canvas, or forbids them, no dots fly and the page is as good without. */
  #startDrawing(): void {
    if (this.#tried) return
    this.#tried = true
    try {
      const worker = new Worker(new URL('./sky-worker.ts', import.meta.url), { type: 'module' })
      const canvas = this.#canvas.transferControlToOffscreen()
      worker.postMessage({ canvas } satisfies SkyStart, [canvas])
      this.#worker = worker
    } catch (error) {
      console.info('no dots are drawn:', error)
    }
  }
}

function dotOf({ server, leavesIn, own, aside }: Flight, place: Place): SkyOrder['dots'][number] {
  const { route, ring, hue, edge, again } = place
  return { server, leavesIn, route, ring, hue, edge: own ? edge : null, hollow: again, aside: aside * sway }
}
