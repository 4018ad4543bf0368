import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react'
import type { Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import { isTabVisible } from '../ui/page-lifecycle.ts'
import type { DotsMessage, StartMessage } from './animation.ts'
import { type DotLaunch, launchDots, launchOwnDot, newHits, noSampling, sample, withOwnHit } from './dots.ts'
import { measureCanvasArea, type Place } from './geometry.ts'

type DrawingElements = { stage: RefObject<HTMLDivElement | null>; sky: RefObject<HTMLDivElement | null> }

/** Sends a dot for what comes in, this visit's own first; returns how many visits a dot stands for. */
export function useDots(drawing: DrawingElements, view: PageView, snapshot: Snapshot): number {
  const sky = useRef<DotCanvas>(null)
  const seen = useRef(view.snapshot)
  const sampling = useRef(noSampling)
  const [worth, setWorth] = useState(1)

  const begin = useEffectEvent(() => {
    if (!drawing.stage.current || !drawing.sky.current) return
    sky.current = new DotCanvas(drawing.stage.current, drawing.sky.current)
    seen.current = withOwnHit(view)
    if (view.visit && mayMove()) sky.current.launch([launchOwnDot(view.server.id)])
  })

  const follow = useEffectEvent(() => {
    const hits = newHits(seen.current, snapshot)
    // The first figures that come in may be a moment older than the visit itself.
    if (snapshot.counter >= seen.current.counter) seen.current = snapshot
    const [next, dotsDue] = sample(sampling.current, hits)
    sampling.current = next
    setWorth(next.worth)
    if (mayMove()) sky.current?.launch(launchDots(dotsDue, Math.random))
  })

  useEffect(() => {
    begin()
    return () => sky.current?.close()
  }, [])

  useEffect(() => follow(), [snapshot])

  return worth
}

/** Whether dots are wanted, and the browser can draw them. */
function mayMove(): boolean {
  if (!('OffscreenCanvas' in window)) return false
  return isTabVisible() && !matchMedia('(prefers-reduced-motion: reduce)').matches
}

/** How far off the line's middle a dot may be, px. */
const sway = 3

/** The dots above the picture. They are drawn in a thread of their own, which rests while none flies. */
class DotCanvas {
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

  launch(flights: DotLaunch[]): void {
    if (flights.length === 0 || !this.#inView) return
    const { places, ...stage } = measureCanvasArea(this.#stage)
    const dots = flights.flatMap(flight => {
      const place = places.get(flight.server)
      return place ? [dotOf(flight, place)] : []
    })
    const order: DotsMessage = { stage: { ...stage, ratio: devicePixelRatio }, dots }
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
      const worker = new Worker(new URL('./canvas-worker.ts', import.meta.url), { type: 'module' })
      const canvas = this.#canvas.transferControlToOffscreen()
      worker.postMessage({ canvas } satisfies StartMessage, [canvas])
      this.#worker = worker
    } catch (error) {
      console.info('no dots are drawn:', error)
    }
  }
}

function dotOf({ server, leavesIn, own, aside }: DotLaunch, place: Place): DotsMessage['dots'][number] {
  const { route, ring, hue, edge, again } = place
  return { server, leavesIn, route, ring, hue, edge: own ? edge : null, hollow: again, aside: aside * sway }
}
