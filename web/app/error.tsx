'use client'

import { useEffect } from 'react'
import { Message } from './ui/frame.tsx'
import ui from './ui/ui.module.css'

/** Times the board is drawn again by itself, within `tiresAfterMs` of the first: what fails on and on is told. */
const patience = 3
const tiresAfterMs = 60_000
let failures: number[] = []

/** Another program that changes the page, such as a translator, can break it once: then it is drawn again, and no visit is made. */
function mayDrawAgain(now: number): boolean {
  failures = [...failures.filter(at => now - at < tiresAfterMs), now]
  return failures.length <= patience
}

export default function PageError({ reset }: { reset(): void }) {
  useEffect(() => {
    if (mayDrawAgain(performance.now())) reset()
  }, [reset])
  return (
    <Message title="The board could not be shown">
      <p>
        Something in this page failed. What has been counted stays counted; loading it again is a new visit.
      </p>
      <button type="button" className={ui.button} onClick={() => location.reload()}>
        Load again
      </button>
    </Message>
  )
}
