import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react'
import type { Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import { isTabAwake } from '../ui/tab-awake.ts'
import { launch, launchOwn } from './flights.ts'
import { newHits } from './new-hits.ts'
import { noSampling, sample } from './sampling.ts'
import { Sky } from './sky.ts'
import { withOwnHit } from './with-own-hit.ts'

type Drawing = { stage: RefObject<HTMLDivElement | null>; sky: RefObject<HTMLDivElement | null> }

/** Sends a dot for what comes in, this visit's own first; returns how many visits a dot stands for. */
export function useFlights(drawing: Drawing, view: PageView, snapshot: Snapshot): number {
  const sky = useRef<Sky>(null)
  const seen = useRef(view.snapshot)
  const sampling = useRef(noSampling)
  const [worth, setWorth] = useState(1)

  const begin = useEffectEvent(() => {
    if (!drawing.stage.current || !drawing.sky.current) return
    sky.current = new Sky(drawing.stage.current, drawing.sky.current)
    seen.current = withOwnHit(view)
    if (view.visit && mayMove()) sky.current.launch([launchOwn(view.server.id)])
  })

  const follow = useEffectEvent(() => {
    const hits = newHits(seen.current, snapshot)
    // The first figures that come in may be a moment older than the visit itself.
    if (snapshot.counter >= seen.current.counter) seen.current = snapshot
    const [next, dotsDue] = sample(sampling.current, hits)
    sampling.current = next
    setWorth(next.worth)
    if (mayMove()) sky.current?.launch(launch(dotsDue, Math.random))
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
  return isTabAwake() && !matchMedia('(prefers-reduced-motion: reduce)').matches
}
