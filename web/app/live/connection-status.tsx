import type { ReactNode } from 'react'
import type { LiveTrouble } from '../../answers.ts'
import { elapsed } from '../figures/durations.ts'
import { Moment } from '../figures/moment.tsx'
import { useHydrated } from '../figures/use-hydrated.ts'
import { useNow } from '../figures/use-now.ts'
import { type Shape, ShapeMark } from '../marks/shape-mark.tsx'
import type { ConnectionStatus as Status } from './connection.ts'
import styles from './connection-status.module.css'

type Props = { status: Status; trouble: LiveTrouble | null; figuresAt: string }

/** Whether what is shown is what is so, and if not, since when. Read out when it changes, not while seconds pass. */
export function ConnectionStatus({ status, trouble, figuresAt }: Props) {
  const hydrated = useHydrated()
  const now = useNow()
  const from = (
    <>
      figures are from <Moment iso={figuresAt} to="second" />
    </>
  )
  const say = (shape: Shape, bad: boolean, words: ReactNode) => (
    <p role="status" className={styles.status} data-bad={bad || undefined}>
      <ShapeMark shape={shape} />
      <span>{words}</span>
    </p>
  )
  if (!hydrated) return say('empty', false, 'As of your visit')
  if (status.kind === 'lost') {
    const lasted = now === null ? '' : ` for ${elapsed(now - status.since)}`
    return say(
      'cross',
      true,
      <>
        Not connected<span aria-hidden="true">{lasted}</span>: {from}. Trying again.
      </>,
    )
  }
  if (trouble) {
    return say(
      'cross',
      true,
      <>
        No answer from the database since <Moment iso={trouble.since} to="second" />: {from}. Visits cannot be
        counted until it is back.
      </>,
    )
  }
  if (status.kind === 'live') return say('full', false, 'Live')
  if (status.kind === 'polling') return say('half', false, 'Asking every 2 s')
  return say('dotted', false, 'Connecting')
}
