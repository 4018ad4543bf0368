import type { ReactNode } from 'react'
import type { LiveTrouble } from '../../shared/api.ts'
import { elapsed } from '../../shared/durations.ts'
import type { ConnectionStatus } from '../live/connection.ts'
import { Moment } from '../ui/moment.tsx'
import type { Shape } from '../ui/shape-mark.tsx'

export type ConnectionFacts = {
  status: ConnectionStatus
  /** null = the replica reads the database */
  trouble: LiveTrouble | null
  /** as of when the figures shown are */
  figuresAt: string
  /** servers are there, but all of them are draining */
  allDraining: boolean
}

export type ConnectionWords = {
  shape: Shape
  short: string
  /** what is shown is not what is so */
  bad?: boolean
  /** what is true, since when, and what comes of it; left out when there is nothing to tell */
  detail?: ReactNode
}

const pollingReasons = {
  crowded:
    'Other tabs of this browser hold all the live connections there may be. Close one of them, and this one is live.',
  unshared:
    'This browser blocks what its tabs need to share live connections. The figures are as good, but up to 2 s old.',
  failed: 'No live connection can be kept open. The figures are as good, but up to 2 s old.',
}

/** Whether what is shown is what is so, in words. `now`: a steady clock in ms; null before the page runs in a browser. */
export function connectionWords(facts: ConnectionFacts, now: number | null): ConnectionWords {
  const { status, trouble, figuresAt, allDraining } = facts
  const figures = (
    <>
      figures are from <Moment iso={figuresAt} to="second" />
    </>
  )
  if (status.kind === 'lost') {
    // The seconds that pass are not read out.
    const lasted = now === null ? '' : ` for ${elapsed(now - status.since)}`
    const detail = (
      <>
        No word from any server<span aria-hidden="true">{lasted}</span>: {figures}. The page goes on asking,
        and goes on by itself.
      </>
    )
    return { shape: 'cross', short: 'Not connected', bad: true, detail }
  }
  if (trouble) {
    const detail = (
      <>
        No answer from the database since <Moment iso={trouble.since} to="second" />: {figures}. Visits cannot
        be counted until it is back; the page then goes on by itself.
      </>
    )
    return { shape: 'cross', short: 'Database away', bad: true, detail }
  }
  if (status.kind === 'connecting') return { shape: 'dotted', short: 'Connecting' }
  const detail =
    allDraining && 'All servers are draining. They still answer, new visitors too, until they stop.'
  if (status.kind === 'live') return { shape: 'full', short: 'Live', detail }
  return { shape: 'half', short: 'Asking every 2 s', detail: pollingReasons[status.noPlace ?? 'failed'] }
}
