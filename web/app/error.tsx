'use client'

import { useLayoutEffect } from 'react'
import { Message } from './ui/frame.tsx'
import ui from './ui/ui.module.css'

/** A board that breaks sooner than this many ms after it was drawn may have a fault that breaks it again. */
const soonMs = 1000
/** Times in a row that such a board is drawn again immediately. */
const patience = 3
/** Then a pause comes first, in ms: twice as long after each failure, up to the longest. */
const firstPauseMs = 1000
const longestPauseMs = 30_000

let drawnAt = Number.NEGATIVE_INFINITY
/** boards in a row that broke soon after they were drawn */
let soonBroken = 0

/** ms until the board that has just broken is drawn again. */
function pauseBeforeNext(now: number): number {
  soonBroken = now - drawnAt < soonMs ? soonBroken + 1 : 0
  if (soonBroken < patience) return 0
  return Math.min(firstPauseMs * 2 ** (soonBroken - patience), longestPauseMs)
}

/**
 * Another program that changes the page, such as a translator, can break the board, and again whenever the board changes. So it
 * is drawn again by itself, which is no visit. This page is seen only where that does not help.
 */
export default function PageError({ reset }: { reset(): void }) {
  // Before anything of this page is painted.
  useLayoutEffect(() => {
    const draw = () => {
      drawnAt = performance.now()
      reset()
    }
    const pauseMs = pauseBeforeNext(performance.now())
    if (pauseMs === 0) return draw()
    const timer = setTimeout(draw, pauseMs)
    return () => clearTimeout(timer)
  }, [reset])
  return (
    <Message title="The board could not be shown">
      <p>
        Something in this page failed. What has been counted stays counted. The page tries again by itself;
        loading it again is a new visit.
      </p>
      <button type="button" className={ui.button} onClick={() => location.reload()}>
        Load again
      </button>
    </Message>
  )
}
