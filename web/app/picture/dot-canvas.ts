import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react'
import type { PageView } from '../../shared/page-view.ts'
import { isTabVisible } from '../ui/page-lifecycle.ts'
import type { FlightsMessage, StartMessage } from './animation.ts'
import { type Launch, launchesOf, noSamplings, ownLaunch, type Samplings } from './dots.ts'
import { flightOf } from './flights.ts'
import type { Flow } from './flow.ts'
import { measurePicture } from './geometry.ts'

type Elements = {
  /** the picture, whose parts are measured */
  area: RefObject<HTMLDivElement | null>
  /** the parent of the canvas */
  layer: RefObject<HTMLDivElement | null>
}

/** How many visits one dot stands for, and how many commits one capsule. */
export type MarkSizes = { visitsPerDot: number; commitsPerCapsule: number }

/** Draws a dot for each new hit, first for this visit's own, and a capsule for each commit. */
export function useDots(elements: Elements, view: PageView, flow: Flow): MarkSizes {
  const canvas = useRef<DotCanvas>(null)
  const shown = useRef(flow.snapshot)
  const samplings = useRef<Samplings>(noSamplings)
  const [sizes, setSizes] = useState<MarkSizes>({ visitsPerDot: 1, commitsPerCapsule: 1 })

  const start = useEffectEvent(() => {
    if (!elements.area.current || !elements.layer.current) return
    canvas.current = new DotCanvas(elements.area.current, elements.layer.current)
    if (view.visit && mayMove()) canvas.current.launch([ownLaunch(view.server.srv_id, view.visit)])
  })

  const follow = useEffectEvent(() => {
    if (flow.snapshot === shown.current) return
    shown.current = flow.snapshot
    const ownHit = view.visit && Number(view.visit.hit)
    const [next, launches] = launchesOf(samplings.current, flow, ownHit, Math.random)
    samplings.current = next
    setSizes(before => {
      const sizes = { visitsPerDot: next.visits.each, commitsPerCapsule: next.commits.each }
      const same =
        before.visitsPerDot === sizes.visitsPerDot && before.commitsPerCapsule === sizes.commitsPerCapsule
      return same ? before : sizes
    })
    if (mayMove()) canvas.current?.launch(launches)
  })

  useEffect(() => {
    start()
    return () => canvas.current?.close()
  }, [])

  useEffect(() => follow(), [flow])

  return sizes
}

/** Whether the reader accepts motion, and the browser can draw it. */
function mayMove(): boolean {
  if (!('OffscreenCanvas' in window)) return false
  return isTabVisible() && !matchMedia('(prefers-reduced-motion: reduce)').matches
}

/** The canvas over the picture, from the first dot on. A worker draws on it. */
class DotCanvas {
  readonly #area: Element
  readonly #layer: Element
  readonly #canvas = document.createElement('canvas')
  readonly #observer = new IntersectionObserver(([entry]) => {
    this.#inView = entry?.isIntersecting ?? false
  })
  #inView = true
  #tried = false
  #worker: Worker | undefined

  constructor(area: Element, layer: Element) {
    this.#area = area
    this.#layer = layer
    this.#observer.observe(area)
  }

  launch(launches: Launch[]): void {
    if (launches.length === 0 || !this.#inView) return
    const { area, places } = measurePicture(this.#area)
    const flights = launches.flatMap(launch => flightOf(launch, places))
    this.#canvas.style.left = `${area.left}px`
    this.#canvas.style.width = `${area.width}px`
    if (!this.#canvas.isConnected) this.#layer.append(this.#canvas)
    this.#startWorker()
    this.#worker?.postMessage({
      area: { ...area, ratio: devicePixelRatio },
      rules: places.rules,
      light: places.inks.text,
      flights,
    } satisfies FlightsMessage)
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
