import type { PointerEvent } from 'react'
import type { History, HistoryEvent } from '../../shared/api.ts'
import type { Hues } from '../live/hues.ts'
import colour from '../ui/hue.module.css'
import { hueAttributes } from '../ui/hue.ts'
import { useFormats } from '../ui/use-formats.ts'
import { stackedBars } from './bars.ts'
import { placeOf } from './place-of.ts'
import styles from './plot.module.css'
import { ranges } from './ranges.ts'
import type { Series } from './series.ts'

type Props = {
  history: History
  series: Series[]
  top: number
  hues: Hues
  /** the bar pointed at */
  at: number | null
  onPoint(at: number | null): void
}

/** The bars, the lines behind them, and where servers came and went. The figures stand in the table beside. */
export function Plot({ history, series, top, hues, at, onPoint }: Props) {
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
            className={`${colour.hue} ${styles.bars}`}
            {...hueAttributes(hue)}
            d={paths[place]}
          />
        ))}
      </svg>
      <line className={styles.ground} x2="100%" y1="100%" y2="100%" />
      {events.map(event => (
        <EventMark
          key={`${event.id} ${event.kind}`}
          event={event}
          x={placeOf(event.at, history)}
          hue={hues[event.srv_id]}
        />
      ))}
    </svg>
  )
}

/** A line at its time; on it an arrowhead for who came, a cross for who was lost, a bar for who left. */
function EventMark({ event, x, hue }: { event: HistoryEvent; x: number; hue: number | undefined }) {
  const place = `${(x * 100).toFixed(2)}%`
  const shapes = { joined: 'M-5 1h10l-5 8z', lost: 'm-4 1 8 8m0-8-8 8', left: 'M-4 5h8' }
  return (
    <g className={`${colour.hue} ${styles.event}`} {...hueAttributes(hue)} data-kind={event.kind}>
      <line x1={place} x2={place} y1="0" y2="100%" />
      <svg x={place} overflow="visible" aria-hidden="true">
        <path d={shapes[event.kind]} />
      </svg>
    </g>
  )
}
