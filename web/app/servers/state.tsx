import type { ServerRow, ServerState } from '../../shared/api.ts'
import { utcTime } from '../../shared/times.ts'
import { Moment } from '../ui/moment.tsx'
import { type Shape, ShapeMark } from '../ui/shape-mark.tsx'
import { isGone } from './server-times.ts'
import styles from './state.module.css'

const shapes: Record<ServerState, Shape> = {
  up: 'full',
  joining: 'dotted',
  draining: 'half',
  lost: 'cross',
  stopped: 'empty',
}

type Props = {
  server: Pick<ServerRow, 'state' | 'last_seen_at'>
  /** any time of the day whose times need not say their day; left out where there is no room for times */
  today?: string
}

/** A server's state, as a shape and a word; where there is room, since when it is gone. */
export function State({ server: { state, last_seen_at }, today }: Props) {
  return (
    <span className={styles.state} data-state={state}>
      <ShapeMark shape={shapes[state]} />
      <span>
        <span>{state}</span>
        {today !== undefined && isGone(state) && (
          <span className={styles.since}>
            {'since '}
            <Moment iso={last_seen_at} plain={utcTime(last_seen_at, today)} to="second" />
          </span>
        )}
      </span>
    </span>
  )
}
