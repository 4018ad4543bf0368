import { type PointerEvent, type ReactNode, type RefObject, useLayoutEffect, useRef, useState } from 'react'
import type { History } from '../../shared/api.ts'
import type { Hues } from '../live/live-board.ts'
import { hueAttributes } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import {
  axisOf,
  barWidth,
  downSpans,
  type EventGroup,
  eventGroups,
  labelledBars,
  labelledClips,
  markOf,
  placeOf,
  ranges,
  type Series,
  seriesOf,
  spacedLabels,
  stackedBars,
  totalsOf,
  useChartFormats,
} from './chart-data.ts'
import {
  EventList,
  HistoryTables,
  historyEventText,
  Legend,
  MarkShape,
  RangeFigures,
} from './history-details.tsx'
import styles from './history-panel.module.css'

type Props = {
  history: History
  hues: Hues
  /** the last read failed */
  stale: boolean
}

/** Stacked bars with the servers' events beneath, and figures for the whole range, or for the bar under the pointer. */
export function HistoryChart({ history, hues, stale }: Props) {
  const { axis } = useChartFormats()
  const [pointed, setPointed] = useState<number | null>(null)
  const drawing = useRef<HTMLDivElement>(null)
  const width = useWidth(drawing)
  const { times, bucket_seconds } = history
  const series = seriesOf(history, hues)
  const totals = totalsOf(series, times.length)
  const { top, clipped } = axisOf(totals, bucket_seconds)
  const at = pointed !== null && pointed < times.length ? pointed : null
  return (
    <div className={styles.chart}>
      <RangeFigures history={history} totals={totals} at={at} />
      <div className={styles.plotArea}>
        <p className={styles.unit} aria-hidden="true">
          hits/s
        </p>
        <div className={styles.valueAxis} aria-hidden="true">
          <span key={`top ${axis(top)}`}>{axis(top)}</span>
          <span key={`half ${axis(top / 2)}`}>{axis(top / 2)}</span>
          <span>0</span>
        </div>
        <div ref={drawing} className={styles.drawing}>
          <Plot
            history={history}
            series={series}
            top={top * bucket_seconds}
            clips={<Clips clipped={clipped} totals={totals} bucketSeconds={bucket_seconds} width={width} />}
            at={at}
            onPoint={setPointed}
          />
          {totals.every(hits => hits === 0) && <p className={styles.empty}>No visits in this time.</p>}
        </div>
        <TimeAxis history={history} width={width} />
        <p className={styles.laneName} aria-hidden="true">
          events
        </p>
        <EventLane history={history} hues={hues} width={width} />
      </div>
      <Legend series={series} at={at} />
      <EventList history={history} hues={hues} stale={stale} />
      <HistoryTables history={history} hues={hues} series={series} totals={totals} />
    </div>
  )
}

/**
 * An element's width in sixteenths of a rem, which are px unless the reader's text is larger; 0 until it is known, before the first
 * paint.
 */
function useWidth(element: RefObject<Element | null>): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    if (!element.current) return
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
    const setPx = (px: number) => setWidth((px * 16) / rem)
    setPx(element.current.getBoundingClientRect().width)
    // While the page is laid out for paper the element can have no width for a moment: then the last one stays.
    const observer = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > 0) setPx(entry.contentRect.width)
    })
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [element])
  return width
}

const percent = (place: number) => `${(place * 100).toFixed(2)}%`

/** in the unit of useWidth, as are all widths below */
const halfTextWidth = 30

/** Where a text at this place is anchored, so that it does not leave the chart, which is so wide. */
function anchorAt(place: number, width: number): 'start' | 'middle' | 'end' {
  if (place * width < halfTextWidth) return 'start'
  return (1 - place) * width < halfTextWidth ? 'end' : 'middle'
}

type PlotProps = {
  history: History
  series: Series[]
  /** hits of a bar that is as high as the plot */
  top: number
  clips: ReactNode
  /** index of the bar under the pointer */
  at: number | null
  onPoint(at: number | null): void
}

/** The bars and the grid. The table below has the figures. */
function Plot({ history: { times, range }, series, top, clips, at, onPoint }: PlotProps) {
  const { whole } = useFormats()
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
          <path key={key} className={styles.bars} {...hueAttributes(hue)} d={paths[place]} />
        ))}
      </svg>
      {clips}
      <line className={styles.baseline} x2="100%" y1="100%" y2="100%" />
    </svg>
  )
}

/** what the figure above a clipped bar needs, also if its neighbour is moved by half its width, so that it does not leave the chart */
const clipTextSpace = 1.5 * 52

type ClipsProps = { clipped: number[]; totals: number[]; bucketSeconds: number; width: number }

/** A notch through each bar that goes on beyond the axis, and its hits/s above it. */
function Clips({ clipped, totals, bucketSeconds, width }: ClipsProps) {
  const { rate } = useFormats()
  const count = totals.length
  const labelled = labelledClips(clipped, totals, (clipTextSpace / Math.max(1, width)) * count)
  const margin = (1 - barWidth) / 2
  return (
    <svg overflow="visible" aria-hidden="true">
      {clipped.map(at => (
        <line
          key={at}
          className={styles.notch}
          x1={percent((at + margin) / count)}
          x2={percent((at + 1 - margin) / count)}
          y1="13"
          y2="8"
        />
      ))}
      {labelled.map(at => (
        <text
          key={at}
          className={styles.clipText}
          x={percent((at + 0.5) / count)}
          y="-5"
          textAnchor={anchorAt((at + 0.5) / count, width)}
        >
          {`${rate((totals[at] ?? 0) / bucketSeconds)}/s`}
        </text>
      ))}
    </svg>
  )
}

function TimeAxis({ history, width }: { history: History; width: number }) {
  const { times, range } = history
  const { minute } = useChartFormats()
  const labelled = labelledBars(history, ranges[range].labelMinutes)
  // Also if the first is moved by half its width, so that it does not leave the chart.
  const shown = spacedLabels(labelled, ((3 * halfTextWidth) / Math.max(1, width)) * times.length)
  return (
    <svg className={styles.timeAxis} aria-hidden="true">
      {shown.map(at => (
        <text
          key={times[at]}
          x={percent(at / times.length)}
          y="0.75rem"
          textAnchor={anchorAt(at / times.length, width)}
        >
          {minute(times[at] ?? '')}
        </text>
      ))}
    </svg>
  )
}

/** what a mark needs, with the number of its events */
const markWidth = 28

/** Marks where servers started and ended, and red spans while they were down. The lists below say the same in words. */
function EventLane({ history, hues, width }: { history: History; hues: Hues; width: number }) {
  const groups = eventGroups(history, markWidth / Math.max(markWidth, width))
  return (
    <svg className={styles.lane} aria-hidden="true" data-part="events">
      <line className={styles.laneLine} x2="100%" y1="50%" y2="50%" />
      {downSpans(history).map(([from, to]) => (
        <line
          key={`${from} ${to}`}
          className={styles.down}
          x1={percent(from)}
          x2={percent(to)}
          y1="50%"
          y2="50%"
        />
      ))}
      {groups.map(group => (
        <EventMark
          key={`${group[0].id} ${group[0].type} ${group[0].at}`}
          group={group}
          x={percent(placeOf(group[0].at, history))}
          hues={hues}
        />
      ))}
    </svg>
  )
}

/** One mark for some events, in the server's colour if all are of one. */
function EventMark({ group, x, hues }: { group: EventGroup; x: string; hues: Hues }) {
  const { second } = useChartFormats()
  const mark = markOf(group)
  const [{ srv_id }] = group
  const hue = group.every(event => event.srv_id === srv_id) ? hues[srv_id] : undefined
  return (
    <svg x={x} y="50%" overflow="visible" aria-hidden="true">
      <g className={styles.mark} {...hueAttributes(hue)} data-mark={mark}>
        <title>{group.map(event => historyEventText(event, second)).join('\n')}</title>
        <rect className={styles.markBehind} x="-8" y="-8" width={group.length > 1 ? 26 : 16} height="16" />
        <MarkShape mark={mark} />
        {group.length > 1 && (
          <text x="9" y="4">
            {group.length}
          </text>
        )}
      </g>
    </svg>
  )
}
