import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react'
import type { Snapshot } from '../../answers.ts'
import type { PageView } from '../../page/page-view.ts'
import { isTabAwake } from '../live/tab-awake.ts'
import type { Hues } from '../servers/hues.ts'
import { launch, launchOwn } from './flights.ts'
import { newHits } from './new-hits.ts'
import { noSampling, sample } from './sampling.ts'
import { Sky } from './sky.ts'
import { withOwnHit } from './with-own-hit.ts'

type Drawing = { stage: RefObject<HTMLDivElement | null>; dots: RefObject<HTMLDivElement | null> }

/** Sends a dot for what comes in, this visit's own first; returns how many visits a dot stands for. */
export function useFlights({ stage, dots }: Drawing, view: PageView, snapshot: Snapshot, hues: Hues): number {
  const sky = useRef<Sky>(null)
  const seen = useRef(view.snapshot)
  const sampling = useRef(noSampling)
  const [worth, setWorth] = useState(1)

  const hueOf = (id: number) => {
    const server = snapshot.servers.find(server => server.id === id)
    return server && hues[server.srv_id]
  }

  const begin = useEffectEvent(() => {
    if (!stage.current || !dots.current) return
    sky.current = new Sky(stage.current, dots.current)
    seen.current = withOwnHit(view)
    if (view.visit && mayMove()) sky.current.launch([launchOwn(view.server.id, performance.now())], hueOf)
  })

  const follow = useEffectEvent(() => {
    const hits = newHits(seen.current, snapshot)
    // The first figures that come in may be a moment older than the visit itself.
    if (snapshot.counter >= seen.current.counter) seen.current = snapshot
    const [next, dotsDue] = sample(sampling.current, hits)
    sampling.current = next
    setWorth(next.worth)
    if (mayMove()) sky.current?.launch(launch(dotsDue, performance.now(), Math.random), hueOf)
  })

  useEffect(() => {
    begin()
    return () => sky.current?.clear()
  }, [])

  useEffect(() => follow(), [snapshot])

  return worth
}

function mayMove(): boolean {
  return isTabAwake() && !matchMedia('(prefers-reduced-motion: reduce)').matches
}
