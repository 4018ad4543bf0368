import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react'
import type { Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import { isTabVisible } from '../ui/page-lifecycle.ts'
import type { DotsMessage, StartMessage } from './animation.ts'
import { type DotLaunch, launchDots, launchOwnDot, newHits, noSampling, sample, withOwnHit } from './dots.ts'
import { measureCanvasArea, type Place } from './geometry.ts'

type Elements = {
  /** the picture, whose parts are measured */
  area: RefObject<HTMLDivElement | null>
  /** the parent of the canvas */
  layer: RefObject<HTMLDivElement | null>
}

/** Draws a dot for each new hit, first for this visit's own. @returns how many visits one dot stands for */
export function useDots(elements: Elements, view: PageView, snapshot: Snapshot): number {
  const canvas = useRef<DotCanvas>(null)
  const shown = useRef(view.snapshot)
  const sampling = useRef(noSampling)
  const [visitsPerDot, setVisitsPerDot] = useState(1)

  const start = useEffectEvent(() => {
    if (!elements.area.current || !elements.layer.current) return
    canvas.current = new DotCanvas(elements.area.current, elements.layer.current)
    shown.current = withOwnHit(view)
    if (view.visit && mayMove()) canvas.current.launch([launchOwnDot(view.server.id)])
  })

  const follow = useEffectEvent(() => {
    const hits = newHits(shown.current, snapshot)
    // The first snapshot can be slightly older than the visit itself.
    if (snapshot.counter >= shown.current.counter) shown.current = snapshot
    const [next, dotsDue] = sample(sampling.current, hits)
    sampling.current = next
    setVisitsPerDot(next.visitsPerDot)
    if (mayMove()) canvas.current?.launch(launchDots(dotsDue, Math.random))
  })

  useEffect(() => {
    start()
    return () => canvas.current?.close()
  }, [])

  useEffect(() => follow(), [snapshot])

  return visitsPerDot
}

/** Whether the reader accepts motion, and the browser can draw it. */
function mayMove(): boolean {
  if (!('OffscreenCanvas' in window)) return false
  return isTabVisible() && !matchMedia('(prefers-reduced-motion: reduce)').matches
}

/** How far a dot may be from the middle of its line, in px. */
const maxOffset = 3

/** The canvas over the picture. A worker draws on it. */
class DotCanvas {
  readonly #area: Element
  readonly #canvas = document.createElement('canvas')
  readonly #observer = new IntersectionObserver(([entry]) => {
    this.#inView = entry?.isIntersecting ?? false
  })
  #inView = true
  #tried = false
  #worker: Worker | undefined

  constructor(area: Element, layer: Element) {
    this.#area = area
    layer.append(this.#canvas)
    this.#observer.observe(area)
  }

  launch(launches: DotLaunch[]): void {
    if (launches.length === 0 || !this.#inView) return
    const { places, ...area } = measureCanvasArea(this.#area)
    const dots = launches.flatMap(launch => {
      const place = places.get(launch.server)
      return place ? [dotOf(launch, place)] : []
    })
    this.#canvas.style.left = `${area.left}px`
    this.#canvas.style.width = `${area.width}px`
    this.#startWorker()
    this.#worker?.postMessage({ area: { ...area, ratio: devicePixelRatio }, dots } satisfies DotsMessage)
  }

  close(): void {
    this.#observer.disconnect()
    this.#worker?.terminate()
    this.#canvas.remove()
  }

  /** Tries once. A browser that lacks or forbids this kind of worker or canvas shows no dots; the page needs none. */
  #startWorker(): void {
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

function dotOf({ server, leavesIn, own, offset }: DotLaunch, place: Place): DotsMessage['dots'][number] {
  const { route, ring, hue, edge, hollow } = place
  return { server, leavesIn, route, ring, hue, edge: own ? edge : null, hollow, offset: offset * maxOffset }
}
