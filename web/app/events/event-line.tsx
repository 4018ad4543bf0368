// The event line above the picture: the last thing that mattered, what it meant and what it cost. board/board.tsx renders it
// with the same snapshot as the rest. live/board-events.ts decides what the last event is; event-text.ts has the words.

import { utcTime } from '../../shared/times.ts'
import type { LiveBoard } from '../live/live-board.ts'
import { Moment, ShapeIcon } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import styles from './event-line.module.css'
import { eventText } from './event-text.ts'

type Props = {
  board: LiveBoard
  /** srv_id of the server that answered this visit */
  ownSrvId: string
  /** time of the snapshot in the HTML */
  openedAt: string
}

/**
 * One line, three on a phone; its height never changes. Screen readers announce an event once, and its cost once that no longer
 * grows: seconds and counts that change are outside the live region or hidden from them.
 */
export function EventLine({ board: { snapshot, events }, ownSrvId, openedAt }: Props) {
  const formats = useFormats()
  const event = events.last
  if (!event) {
    return (
      <section aria-label="Latest event" className={styles.line}>
        <p role="status" aria-label="Event" className={styles.quiet}>
          No events since this page was opened.
        </p>
      </section>
    )
  }
  const { shape, bad, what, since, passing, more, cost } = eventText(event, {
    snapshot,
    ownSrvId,
    openedAt,
    formats,
  })
  const costWords = cost && <span className={styles.cost}>{` ${cost}`}</span>
  return (
    <section aria-label="Latest event" className={styles.line} data-event={event.kind}>
      <p role="status" aria-label="Event" aria-atomic="false" className={styles.words}>
        <span className={styles.what} data-bad={bad || undefined}>
          <ShapeIcon shape={shape} />
          <span className={styles.sentence}>{what}</span>
        </span>
        {since !== null && (
          <span className={styles.passing}>
            <span>{' Since '}</span>
            <Moment iso={since} plain={utcTime(since, snapshot.at)} to="second" />
            <span>.</span>
          </span>
        )}
        {passing && <span aria-hidden="true" className={styles.passing}>{` ${passing}`}</span>}
        {more && <span className={styles.more}>{` ${more}`}</span>}
        {event.settled && costWords}
      </p>
      {!event.settled && costWords}
      {event.at && since === null && (
        <span className={styles.at}>
          <Moment iso={event.at} plain={utcTime(event.at, snapshot.at)} to="second" />
        </span>
      )}
    </section>
  )
}
