import { useState } from 'react'
import type { History, HistoryDown, HistoryEvent } from '../../shared/api.ts'
import { elapsed } from '../../shared/times.ts'
import type { Hues } from '../live/live-board.ts'
import { Moment, ServerName } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { peakOf, ranges, type Series, useClock } from './chart-data.ts'
import styles from './history-panel.module.css'

type LegendProps = {
  history: History
  series: Series[]
  totals: number[]
  /** index of the bar whose figures are shown; null = the whole range */
  at: number | null
}

const sum = (hits: number[]) => hits.reduce((all, count) => all + count, 0)

/** The servers' colours with their hits, in the whole range or in one bar, and each server's peak. */
export function Legend({ history: { times, range }, series, totals, at }: LegendProps) {
  const { whole } = useFormats()
  const clock = useClock()
  const figure = (hits: number[]) => whole(at === null ? sum(hits) : (hits[at] ?? 0))
  return (
    <ul className={styles.legend}>
      <li className={styles.range}>
        <span>{at === null ? `Last ${ranges[range].label}` : `From ${clock(times[at] ?? '')}`}</span>
        <b>{figure(totals)}</b>
      </li>
      <li className={styles.peak}>
        <span>peak</span>
        <b>{`${whole(peakOf(totals))}/${ranges[range].per}`}</b>
      </li>
      {series.map(({ key, name, hue, hits }) => (
        <li key={key}>
          <ServerName name={name} hue={hue} />
          <b>{figure(hits)}</b>
          <span className={styles.serverPeak}>{`peak ${whole(peakOf(hits))}`}</span>
        </li>
      ))}
    </ul>
  )
}

const eventWords: Record<HistoryEvent['type'], string> = {
  joined: 'started at',
  lost: 'lost at',
  back: 'back at',
  stopped: 'stopped at',
  killed: 'killed at',
}

/** Outages come first. The chart marks all events. */
const maxLines = 4
const maxOutages = 2

type EventListProps = { history: Pick<History, 'events' | 'downs'>; hues: Hues; stale: boolean }

/** How long servers were down; then the events, newest first. */
export function EventList({ history: { events, downs }, hues, stale }: EventListProps) {
  if (events.length === 0 && !stale)
    return <p className={styles.eventList}>No server started or stopped in this time.</p>
  const shownEvents = maxLines - Math.min(maxOutages, downs.length) - Number(stale)
  return (
    <ul className={styles.eventList} aria-label="Server outages and events">
      {stale && <li className={styles.stale}>Could not refresh: the chart is not current.</li>}
      {downs.slice(0, maxOutages).map(down => (
        <li key={down.srv_id}>
          <ServerName name={down.name} hue={hues[down.srv_id]} />
          <span className={styles.when}>{outageText(down)}</span>
        </li>
      ))}
      {events.slice(0, shownEvents).map(({ type, id, srv_id, name, at }) => (
        <li key={`${id} ${type} ${at}`} data-kind={type}>
          <ServerName name={name} hue={hues[srv_id]} />
          <span className={styles.when}>
            {eventWords[type]} <Moment iso={at} to="second" />
          </span>
        </li>
      ))}
      {events.length > shownEvents && <li>{`and ${events.length - shownEvents} earlier`}</li>}
    </ul>
  )
}

function outageText({ times, ms }: HistoryDown): string {
  return times === 1 ? `1 outage, ${elapsed(ms)}` : `${times} outages, ${elapsed(ms)} in total`
}

type HistoryTableProps = { history: History; series: Series[]; totals: number[] }

/** The chart in figures: the peaks, then the newest first. Rendered only while it is open. */
export function HistoryTable({ history: { times, range }, series, totals }: HistoryTableProps) {
  const { whole } = useFormats()
  const [opened, setOpened] = useState(false)
  return (
    <details className={styles.details} onToggle={event => setOpened(event.currentTarget.open)}>
      <summary>As a table</summary>
      {opened && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        <section className={styles.scroll} aria-label="Hits over time, as a table" tabIndex={0}>
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col">From</th>
                {series.map(({ key, name }) => (
                  <th key={key} scope="col">
                    {name}
                  </th>
                ))}
                <th scope="col">Total</th>
              </tr>
            </thead>
            <tbody>
              <tr>
                <th scope="row">{`Peak per ${ranges[range].per}`}</th>
                {series.map(({ key, hits }) => (
                  <td key={key}>{whole(peakOf(hits))}</td>
                ))}
                <td>{whole(peakOf(totals))}</td>
              </tr>
              {times
                .map((time, at) => (
                  <tr key={time}>
                    <th scope="row">
                      <Moment iso={time} to="second" />
                    </th>
                    {series.map(({ key, hits }) => (
                      <td key={key}>{whole(hits[at] ?? 0)}</td>
                    ))}
                    <td>{whole(totals[at] ?? 0)}</td>
                  </tr>
                ))
                .reverse()}
            </tbody>
          </table>
        </section>
      )}
    </details>
  )
}
