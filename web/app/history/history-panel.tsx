import { memo } from 'react'
import useSWR from 'swr'
import type { History } from '../../shared/api.ts'
import { isHistory } from '../live/answer-guards.ts'
import { fetchAnswer } from '../live/fetch-answer.ts'
import type { Hues } from '../live/hues.ts'
import { crowdOf } from '../servers/crowd.ts'
import { Panel } from '../ui/panel.tsx'
import { useUrlParameter } from '../ui/use-url-parameter.ts'
import { HistoryChart } from './history-chart.tsx'
import styles from './history-panel.module.css'
import { RangeChoice } from './range-choice.tsx'
import { rangeOf, ranges } from './ranges.ts'

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
      <div className={styles.history} data-crowd={crowdOf(Object.keys(hues).length)}>
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
