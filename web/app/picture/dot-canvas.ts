import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react'
import type { PageView } from '../../shared/page-view.ts'
import { isTabVisible } from '../ui/page-lifecycle.ts'
import type { FlightsMessage, Leg, Look, SentFlight, StartMessage } from './animation.ts'
import {
  type CommitLaunch,
  insideNginxMs,
  type Launch,
  launchesOf,
  noSamplings,
  ownLaunch,
  ruleOf,
  type Samplings,
  toNginxMs,
  toServerMs,
  type VisitLaunch,
} from './dots.ts'
import type { Flow } from './flow.ts'
import { measurePicture, type Place, type Places, toLostServer, toOtherServer } from './geometry.ts'

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

/** How far a dot may be from the middle of its line, in px. */
const maxOffset = 3
/** ms that a commit needs to the database, and that a moved visit needs from the lost server to another. */
const toDatabaseMs = 300
const bendMs = 320

/** The way and the look of a dot or a commit; none if its server is not in the picture. */
export function flightOf(launch: Launch, places: Places): SentFlight[] {
  const place = places.servers.get(launch.srvId)
  if (!place) return []
  return [launch.kind === 'commit' ? commitFlight(launch, place, places) : visitFlight(launch, place, places)]
}

function commitFlight(
  { hits, leavesIn }: CommitLaunch,
  place: Place,
  { vertical, inks }: Places,
): SentFlight {
  const look: Look = { shape: 'capsule', colour: place.hue, hollow: place.again, hits, text: inks.text }
  const legs: Leg[] = [{ ms: toDatabaseMs, curve: place.commits, look }]
  return { leavesIn, offset: 0, vertical, legs, answer: null }
}

function visitFlight(
  launch: VisitLaunch,
  place: Place,
  { vertical, visitors, servers, inks }: Places,
): SentFlight {
  const { arrival, own, leavesIn, srvId } = launch
  const rule = ruleOf(arrival)
  const halo = own ? place.edge : null
  const served: Look = { shape: 'dot', colour: place.hue, hollow: place.again, halo }
  const answer = { server: srvId, ring: place.ring, hue: place.hue }
  const start = (look: Look): Leg[] => [
    { ms: toNginxMs, curve: visitors[rule], look },
    { ms: insideNginxMs, curve: null, look, rule },
  ]
  const flight = { leavesIn, offset: launch.offset * maxOffset, vertical, answer }
  if (arrival === 'moved') {
    const old = launch.from === null ? undefined : servers.get(launch.from)
    const moved: Look = {
      shape: 'dot',
      colour: old?.hue ?? inks.new,
      hollow: old?.again ?? true,
      halo,
      ring: inks.moved,
    }
    if (!old || old === place)
      return { ...flight, legs: [...start(moved), { ms: toServerMs, curve: place.visits, look: moved }] }
    const toLost = toLostServer(old.visits, vertical)
    const legs: Leg[] = [
      ...start(moved),
      { ms: toServerMs, curve: toLost, look: moved },
      { ms: bendMs, curve: toOtherServer(toLost, place.visits, vertical), look: moved, failed: inks.moved },
    ]
    return { ...flight, legs }
  }
  // Colour before NGINX's choice would show a wrong cause: a new visitor has none before.
  const first: Look = arrival === 'new' ? { shape: 'dot', colour: inks.new, hollow: true, halo } : served
  return { ...flight, legs: [...start(first), { ms: toServerMs, curve: place.visits, look: served }] }
}
