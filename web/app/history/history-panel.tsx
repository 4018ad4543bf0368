// Hits per server over time. board/board.tsx renders the panel. It requests /api/history every few seconds while the tab is
// visible (live/answers.ts); the page's address holds the range. chart-data.ts turns the answer into bars and marks, history-chart.tsx draws
// them, history-details.tsx has the legend, the events in words and the tables.

import { memo, useEffect, useEffectEvent, useRef } from 'react'
import { type HistoryRange, historyRangeNames } from '../../shared/limits.ts'
import { histories, useAnswer } from '../live/answers.ts'
import type { Hues } from '../live/live-board.ts'
import { useUrlParameter } from '../ui/address-bar.ts'
import { Panel } from '../ui/frame.tsx'
import ui from '../ui/ui.module.css'
import { rangeOf, ranges, retryMs } from './chart-data.ts'
import { HistoryChart } from './history-chart.tsx'
import styles from './history-panel.module.css'

type PanelProps = {
  hues: Hues
  /** the board's figures are current: so a read that failed can succeed now */
  current: boolean
}

export const HistoryPanel = memo(function HistoryPanel({ hues, current }: PanelProps) {
  const [text, setText] = useUrlParameter('range')
  const range = rangeOf(text)
  const { data, error } = useHistory(range, current)
  // While another range loads, the last one stays, with a note that fits it.
  const { bar } = ranges[data?.range ?? range]
  return (
    <Panel title="Hits per server over time" note={`1 bar = ${bar}, current bar incomplete`}>
      <noscript>
        <p>The chart needs JavaScript.</p>
      </noscript>
      <div className={styles.history}>
        <RangeChoice range={range} onChoose={setText} />
        {data ? (
          <HistoryChart history={data} hues={hues} stale={error !== undefined} />
        ) : (
          <p className={styles.placeholder}>
            {error ? `The history could not be read: ${error.message} Trying again.` : 'Loading the history.'}
          </p>
        )}
      </div>
    </Panel>
  )
})

/** The last history that could be read, and why the newest could not. A failed read is tried again soon. */
function useHistory(range: HistoryRange, current: boolean) {
  const answer = useAnswer(histories, range, {
    everyMs: ranges[range].refreshMs,
    retryMs: failures => retryMs(failures, current),
  })
  // When the board is current again, the chart does not wait for its next try, or for an answer that hangs.
  const wasCurrent = useRef(current)
  const follow = useEffectEvent(() => {
    if (current && !wasCurrent.current && !answer.loading) answer.again()
    wasCurrent.current = current
  })
  useEffect(() => follow(), [current])
  return answer
}

type Props = { range: HistoryRange; onChoose(range: HistoryRange): void }

function RangeChoice({ range, onChoose }: Props) {
  return (
    <fieldset className={styles.rangeChoice}>
      <legend className={ui.visuallyHidden}>How far back</legend>
      {historyRangeNames.map(name => (
        <button
          key={name}
          type="button"
          className={ui.smallButton}
          aria-pressed={name === range}
          onClick={() => onChoose(name)}
        >
          {ranges[name].label}
        </button>
      ))}
    </fieldset>
  )
}
