import { useState } from 'react'
import type { History } from '../../shared/api.ts'
import type { Hues } from '../live/hues.ts'
import { useFormats } from '../ui/use-formats.ts'
import { axisTop } from './bars.ts'
import { EventList } from './event-list.tsx'
import styles from './history-chart.module.css'
import { HistoryTable } from './history-table.tsx'
import { Legend } from './legend.tsx'
import { Plot } from './plot.tsx'
import { mostOf, seriesOf, totalsOf } from './series.ts'
import { TimeAxis } from './time-axis.tsx'

type Props = {
  history: History
  hues: Hues
  /** it could not be read anew */
  stale: boolean
}

/** Stacked bars with what they say in figures; of one bar alone while the pointer is on it. */
export function HistoryChart({ history, hues, stale }: Props) {
  const { whole } = useFormats()
  const [pointed, setPointed] = useState<number | null>(null)
  const { times } = history
  const series = seriesOf(history, hues)
  const totals = totalsOf(series, times.length)
  const most = mostOf(totals)
  const top = axisTop(most)
  const at = pointed !== null && pointed < times.length ? pointed : null
  return (
    <div className={styles.chart}>
      <div className={styles.plot}>
        <div className={styles.axis} aria-hidden="true">
          <span>{whole(top)}</span>
          <span>{whole(top / 2)}</span>
          <span>0</span>
        </div>
        <div className={styles.drawing}>
          <Plot history={history} series={series} top={top} hues={hues} at={at} onPoint={setPointed} />
          {most === 0 && <p className={styles.empty}>No visits in this time.</p>}
        </div>
        <TimeAxis history={history} />
      </div>
      <Legend history={history} series={series} totals={totals} at={at} />
      <EventList history={history} hues={hues} stale={stale} />
      <HistoryTable history={history} series={series} totals={totals} />
    </div>
  )
}
