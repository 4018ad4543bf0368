import { memo } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import type { Hues } from '../live/hues.ts'
import button from '../ui/button.module.css'
import { Panel } from '../ui/panel.tsx'
import { RunsTable } from './runs-table.tsx'
import styles from './try-panel.module.css'
import { useVisitRuns, type Visitor, visitsARun } from './use-visit-runs.ts'
import { doneOf, runText } from './visit-tally.ts'

type Props = {
  servers: ServerRow[]
  hues: Hues
  /** life of the sticky cookie */
  stickySeconds: number
}

const visitors: Visitor[] = ['myself', 'strangers']
const labels: Record<Visitor, string> = { myself: 'As myself', strangers: 'As strangers' }

/** Sends visits from this browser, with its cookie and without, and shows who answered. */
export const TryPanel = memo(function TryPanel({ servers, hues, stickySeconds }: Props) {
  const { tallies, running, start, cancel } = useVisitRuns(stickySeconds)
  const tally = running && tallies[running]
  const ended = (visitor: Visitor) => {
    const last = tallies[visitor]
    return last && running !== visitor ? `${labels[visitor]}: ${runText(last, visitsARun)}` : ''
  }
  return (
    <Panel title="Try it" note="Each visit counts, and stands in the log">
      <noscript>
        <p>Sending visits needs JavaScript. “Visit again” sends one.</p>
      </noscript>
      <div className={styles.try}>
        <div className={styles.controls}>
          <p>
            Send {visitsARun} visits. With your cookie they should all reach one server; strangers have none,
            so NGINX chooses for each.
          </p>
          <div className={styles.actions}>
            {visitors.map(visitor => (
              <button
                key={visitor}
                type="button"
                className={button.button}
                disabled={running !== null}
                onClick={() => start(visitor)}
              >
                {labels[visitor]}
              </button>
            ))}
            <button type="button" className={button.button} disabled={running === null} onClick={cancel}>
              Cancel
            </button>
          </div>
          <progress
            className={styles.progress}
            max={visitsARun}
            value={tally ? doneOf(tally) : 0}
            data-idle={running ? undefined : ''}
            aria-label="Visits answered"
          />
          <div className={styles.words} aria-live="polite">
            {visitors.map(visitor => (
              <p key={visitor}>{ended(visitor)}</p>
            ))}
          </div>
        </div>
        <RunsTable servers={servers} hues={hues} tallies={tallies} />
      </div>
    </Panel>
  )
})
