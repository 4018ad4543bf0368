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

const read = (url: string) => fetchAnswer(isHistory, url)

/** Hits per server over time. Asked for every few seconds while the tab can be seen; the range stands in the address. */
export const HistoryPanel = memo(function HistoryPanel({ hues }: { hues: Hues }) {
  const [asked, ask] = useUrlParameter('range')
  const range = rangeOf(asked)
  const { refreshMs } = ranges[range]
  const { data, error } = useSWR<History, Error>(`/api/history?range=${range}`, read, {
    refreshInterval: refreshMs,
    keepPreviousData: true,
  })
  // While another range is on its way the last one stays, under its own words.
  const { bar } = ranges[data?.range ?? range]
  return (
    <Panel title="Hits per server over time" note={`A bar is ${bar}; the last one still grows`}>
      <noscript>
        <p>The chart needs JavaScript.</p>
      </noscript>
      <div className={styles.history} data-crowd={serverDensity(Object.keys(hues).length)}>
        <RangeChoice range={range} onChoose={ask} />
        {data ? (
          <HistoryChart history={data} hues={hues} stale={error !== undefined} />
        ) : (
          <p className={styles.room}>
            {error
              ? `The history could not be read: ${error.message} It is asked for again.`
              : 'Reading the history.'}
          </p>
        )}
      </div>
    </Panel>
  )
})

type Props = { range: HistoryRange; onChoose(range: HistoryRange): void }

/** How far back. */
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
