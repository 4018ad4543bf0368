import { type PointerEvent, useState } from 'react'
import type { History, HistoryEvent } from '../../shared/api.ts'
import type { Hues } from '../live/live-board.ts'
import badges from '../ui/badges.module.css'
import { hueAttributes } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import {
  axisTop,
  labelledBars,
  peakOf,
  placeOf,
  ranges,
  type Series,
  seriesOf,
  stackedBars,
  totalsOf,
  useClock,
} from './chart-data.ts'
import { EventList, HistoryTable, Legend } from './history-details.tsx'
import styles from './history-panel.module.css'

type Props = {
  history: History
  hues: Hues
  /** the last read failed */
  stale: boolean
}

/** Stacked bars, with figures for the whole range, or for the bar under the pointer. */
export function HistoryChart({ history, hues, stale }: Props) {
  const { whole } = useFormats()
  const [pointed, setPointed] = useState<number | null>(null)
  const { times } = history
  const series = seriesOf(history, hues)
  const totals = totalsOf(series, times.length)
  const peak = peakOf(totals)
  const top = axisTop(peak)
  const at = pointed !== null && pointed < times.length ? pointed : null
  return (
    <div className={styles.chart}>
      <div className={styles.plotArea}>
        <div className={styles.valueAxis} aria-hidden="true">
          <span>{whole(top)}</span>
          <span>{whole(top / 2)}</span>
          <span>0</span>
        </div>
        <div className={styles.drawing}>
          <Plot history={history} series={series} top={top} hues={hues} at={at} onPoint={setPointed} />
          {peak === 0 && <p className={styles.empty}>No visits in this time.</p>}
        </div>
        <TimeAxis history={history} />
      </div>
      <Legend history={history} series={series} totals={totals} at={at} />
      <EventList history={history} hues={hues} stale={stale} />
      <HistoryTable history={history} series={series} totals={totals} />
    </div>
  )
}

type PlotProps = {
  history: History
  series: Series[]
  top: number
  hues: Hues
  /** index of the bar under the pointer */
  at: number | null
  onPoint(at: number | null): void
}

/** The bars, the grid, and marks where servers started and stopped. The table below has the figures. */
function Plot({ history, series, top, hues, at, onPoint }: PlotProps) {
  const { whole } = useFormats()
  const { times, range, events } = history
  const paths = stackedBars(series, top)
  const all = series.flatMap(({ hits }) => hits).reduce((sum, count) => sum + count, 0)
  function point(event: PointerEvent<SVGSVGElement>) {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    const place = Math.floor(((event.clientX - left) / width) * times.length)
    onPoint(Math.max(0, Math.min(times.length - 1, place)))
  }
  return (
    <svg
      className={styles.plot}
      role="img"
      aria-label={`Hits in the last ${ranges[range].label}: ${whole(all)}. The table below has the figures.`}
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={() => onPoint(null)}
    >
      <line className={styles.grid} x2="100%" y1="0" y2="0" />
      <line className={styles.grid} x2="100%" y1="50%" y2="50%" />
      <svg
        viewBox={`0 0 ${times.length} 1`}
        preserveAspectRatio="none"
        width="100%"
        height="100%"
        aria-hidden="true"
      >
        {at !== null && <rect className={styles.pointed} x={at} width="1" height="1" />}
        {series.map(({ key, hue }, place) => (
          <path
            key={key}
            className={`${badges.hue} ${styles.bars}`}
            {...hueAttributes(hue)}
            d={paths[place]}
          />
        ))}
      </svg>
      <line className={styles.baseline} x2="100%" y1="100%" y2="100%" />
      {events.map(event => (
        <EventMark
          key={`${event.id} ${event.type} ${event.at}`}
          event={event}
          x={placeOf(event.at, history)}
          hue={hues[event.srv_id]}
        />
      ))}
    </svg>
  )
}

/** A line at the event's time: with an arrowhead for a start, a cross for a loss, a bar for a stop. */
function EventMark({ event, x, hue }: { event: HistoryEvent; x: number; hue: number | undefined }) {
  const place = `${(x * 100).toFixed(2)}%`
  const [triangle, cross] = ['M-5 1h10l-5 8z', 'm-4 1 8 8m0-8-8 8']
  const shapes = { joined: triangle, lost: cross, back: triangle, stopped: 'M-4 5h8', killed: cross }
  return (
    <g className={`${badges.hue} ${styles.event}`} {...hueAttributes(hue)} data-kind={event.type}>
      <line x1={place} x2={place} y1="0" y2="100%" />
      <svg x={place} overflow="visible" aria-hidden="true">
        <path d={shapes[event.type]} />
      </svg>
    </g>
  )
}

function TimeAxis({ history: { times, range } }: { history: History }) {
  const clock = useClock()
  const labelled = labelledBars(times.length, ranges[range].labelEvery)
  const last = times.length - 1
  return (
    <svg className={styles.timeAxis} aria-hidden="true">
      {labelled.map((at, place) => (
        <text
          key={at}
          x={`${(((at + 0.5) / times.length) * 100).toFixed(2)}%`}
          y="12"
          data-spare={(labelled.length - place) % 2 === 0 ? '' : undefined}
          textAnchor={times.length < 10 ? 'middle' : at === 0 ? 'start' : at === last ? 'end' : 'middle'}
        >
          {clock(times[at] ?? '')}
        </text>
      ))}
    </svg>
  )
}
