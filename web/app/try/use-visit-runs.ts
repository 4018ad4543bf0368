import { useEffect, useRef, useState } from 'react'
import { tellOtherTabs } from '../visit/cookie-hold.ts'
import { sendVisits } from './send-visits.ts'
import { visitOnce } from './visit-once.ts'
import { emptyTally, type Tally, type VisitOutcome, withOutcome } from './visit-tally.ts'

export type Visitor = 'myself' | 'strangers'

export const visitsARun = 60
const atOnce = 6

/** The last run of each kind, null before the first; one runs at a time, and ends with the page. */
export function useVisitRuns(stickySeconds: number) {
  const [tallies, setTallies] = useState<Record<Visitor, Tally | null>>({ myself: null, strangers: null })
  const [running, setRunning] = useState<Visitor | null>(null)
  const stop = useRef<AbortController>(null)
  useEffect(() => () => stop.current?.abort(), [])

  async function start(visitor: Visitor): Promise<void> {
    const run = new AbortController()
    stop.current = run
    setRunning(visitor)
    setTallies(known => ({ ...known, [visitor]: emptyTally }))
    const onOutcome = (outcome: VisitOutcome) => {
      setTallies(known => ({ ...known, [visitor]: withOutcome(known[visitor] ?? emptyTally, outcome) }))
      // The browser's cookie was renewed: what counts it down must hear of it.
      if (visitor === 'myself' && outcome.kind === 'answered') {
        const { srv_id, server } = outcome
        tellOtherTabs({ srv_id, server, until: Date.now() + stickySeconds * 1000 })
      }
    }
    const credentials = visitor === 'myself' ? 'include' : 'omit'
    const visit = (signal: AbortSignal) => visitOnce(credentials, signal)
    await sendVisits({ count: visitsARun, atOnce, visit, onOutcome, signal: run.signal })
    setRunning(null)
  }

  return { tallies, running, start, cancel: () => stop.current?.abort() }
}
