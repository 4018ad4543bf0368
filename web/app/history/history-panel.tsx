// Hits per server over time. board/board.tsx renders the panel. SWR reads /api/history every few seconds while the tab is
// visible; the page's address holds the range. chart-data.ts turns the answer into bars, history-chart.tsx draws them,
// history-details.tsx has the legend, the events and the table.

import { memo } from 'react'
import useSWR from 'swr'
import { type History, isHistory } from '../../shared/api.ts'
import { type HistoryRange, historyRangeNames } from '../../shared/limits.ts'
import { fetchAnswer } from '../live/api-client.ts'
import type { Hues } from '../live/live-board.ts'
import { serverDensity } from '../servers/server-rows.ts'
import { useUrlParameter } from '../ui/address-bar.ts'
import { Panel } from '../ui/frame.tsx'
import ui from '../ui/ui.module.css'
import { rangeOf, ranges } from './chart-data.ts'
import { HistoryChart } from './history-chart.tsx'
import styles from './history-panel.module.css'

const readHistory = (url: string) => fetchAnswer(isHistory, url)

export const HistoryPanel = memo(function HistoryPanel({ hues }: { hues: Hues }) {
  const [text, setText] = useUrlParameter('range')
  const range = rangeOf(text)
  const { refreshMs } = ranges[range]
  const { data, error } = useSWR<History, Error>(`/api/history?range=${range}`, readHistory, {
    refreshInterval: refreshMs,
    keepPreviousData: true,
  })
  // While another range loads, the last one stays, with a note that fits it.
  const { bar, period } = ranges[data?.range ?? range]
  return (
    <Panel title="Hits per server over time" note={`1 bar = ${bar}, current ${period} incomplete`}>
      <noscript>
        <p>The chart needs JavaScript.</p>
      </noscript>
      <div className={styles.history} data-density={serverDensity(Object.keys(hues).length)}>
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
