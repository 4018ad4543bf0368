import { type ReactNode, useState } from 'react'
import type { History, HistoryDown, HistoryEvent } from '../../shared/api.ts'
import { elapsed } from '../../shared/times.ts'
import type { Hues } from '../live/live-board.ts'
import { hueAttributes, Moment, ServerName } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { type Mark, markOf, peakOf, ranges, type Series, useChartFormats } from './chart-data.ts'
import styles from './history-panel.module.css'

type LegendProps = {
  history: History
  series: Series[]
  totals: number[]
  /** index of the bar whose figures are shown; null = the whole range */
  at: number | null
}

/** The hits of the whole range, or of one bar, and the most in a bar. */
export function RangeFigures({ history: { times, range }, totals, at }: Omit<LegendProps, 'series'>) {
  const { whole } = useFormats()
  const { second } = useChartFormats()
  // Aligned to the right: with another digit a text starts elsewhere, yet nothing moved. So it is a new one.
  const figure = (name: string, hits: number) => <b key={`${name} ${whole(hits).length}`}>{whole(hits)}</b>
  return (
    <p className={styles.range}>
      <span>{at === null ? `Last ${ranges[range].label}` : `From ${second(times[at] ?? '')}`}</span>
      {figure('all', figureOf(totals, at))}
      <span>{`busiest ${ranges[range].period}`}</span>
      {figure('peak', peakOf(totals))}
    </p>
  )
}

function figureOf(hits: number[], at: number | null): number {
  return at === null ? hits.reduce((sum, count) => sum + count, 0) : (hits[at] ?? 0)
}

/** The servers' colours with their hits, in the whole range or in one bar, and each server's peak. */
export function Legend({ series, at }: Pick<LegendProps, 'series' | 'at'>) {
  const { whole } = useFormats()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <ul className={styles.legend} aria-label="Hits of each server" tabIndex={0}>
      {series.map(({ key, name, hue, hits }) => (
        <li key={key}>
          <ServerName name={name} hue={hue} />
          <b>{whole(figureOf(hits, at))}</b>
          <span className={styles.serverPeak}>{`peak ${whole(peakOf(hits))}`}</span>
        </li>
      ))}
    </ul>
  )
}

const eventWords: Record<HistoryEvent['type'], string> = {
  joined: 'started',
  lost: 'lost',
  back: 'back',
  stopped: 'stopped',
  killed: 'killed',
  draining: 'draining',
  undrained: 'no longer draining',
}

/** "killed", "killed by control" */
function wordsOf({ type, by }: HistoryEvent): string {
  return by === 'control' ? `${eventWords[type]} by control` : eventWords[type]
}

/** "web-3 killed at 15:35:24" */
export function historyEventText(event: HistoryEvent, time: (iso: string) => string): string {
  return `${event.name} ${wordsOf(event)} at ${time(event.at)}`
}

/** ▲ started, ✕ lost or killed, □ stopped, ◐ draining or no longer, around the origin of an SVG. */
export function MarkShape({ mark }: { mark: Mark }) {
  const shapes = {
    started: 'M0-5 5 4h-10z',
    lost: 'm-4-4 8 8m0-8-8 8',
    stopped: 'M-4-4h8v8h-8z',
    drain: 'M0-5a5 5 0 0 0 0 10z',
  }
  return (
    <>
      <path d={shapes[mark]} />
      {mark === 'drain' && <circle r="4.25" />}
    </>
  )
}

function MarkIcon({ event, hue }: { event: HistoryEvent; hue: number | undefined }) {
  const mark = markOf([event])
  return (
    <svg
      className={`${styles.mark} ${styles.markIcon}`}
      {...hueAttributes(hue)}
      data-mark={mark}
      viewBox="-6 -6 12 12"
      aria-hidden="true"
    >
      <MarkShape mark={mark} />
    </svg>
  )
}

/** More do not fit on any line. */
const maxOutages = 3
const maxEvents = 6

type EventsProps = { history: History; hues: Hues; stale: boolean }

/**
 * How long servers were down, then the events, newest first: as many as fit on the line. The table has all. The line is always
 * there, so an event moves nothing.
 */
export function EventList({ history: { events, downs, at }, hues, stale }: EventsProps) {
  const { whole } = useFormats()
  return (
    <div className={styles.eventList}>
      <ul aria-label="Server outages and events">
        {stale && (
          <li className={styles.stale}>
            Could not refresh: chart as of <Moment iso={at} to="second" />
          </li>
        )}
        {downs.slice(0, maxOutages).map(down => (
          <li key={down.srv_id}>{outageText(down)}</li>
        ))}
        {events.slice(0, maxEvents).map(event => (
          <li key={`${event.id} ${event.type} ${event.at}`} data-type={event.type}>
            <MarkIcon event={event} hue={hues[event.srv_id]} />
            <EventWords event={event} />
          </li>
        ))}
        {events.length === 0 && <li>No server started or stopped in this time.</li>}
      </ul>
      {events.length > 1 && <p>{`${whole(events.length)} events`}</p>}
    </div>
  )
}

function EventWords({ event }: { event: HistoryEvent }) {
  return (
    <span>
      {`${event.name} ${wordsOf(event)} at `}
      <Moment iso={event.at} to="second" />
    </span>
  )
}

/** "web-3: 1 outage, 4 s" */
function outageText({ name, times, ms }: HistoryDown): string {
  return times === 1
    ? `${name}: 1 outage, ${elapsed(ms)}`
    : `${name}: ${times} outages, ${elapsed(ms)} in total`
}

type TablesProps = { history: History; hues: Hues; series: Series[]; totals: number[] }

/** The chart in figures: the hits, with the peaks first, and all events. Rendered only while it is open. */
export function HistoryTables({ history, hues, series, totals }: TablesProps) {
  const [opened, setOpened] = useState(false)
  return (
    <details className={styles.details} onToggle={event => setOpened(event.currentTarget.open)}>
      <summary>As a table</summary>
      {opened && (
        <div className={styles.tables}>
          <Scroll label="Hits over time, as a table">
            <HitsTable history={history} series={series} totals={totals} />
          </Scroll>
          {history.events.length > 0 && (
            <Scroll label="All events of the servers">
              <EventsTable events={history.events} hues={hues} />
            </Scroll>
          )}
        </div>
      )}
    </details>
  )
}

function Scroll({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section className={styles.scroll} aria-label={label} tabIndex={0}>
      {children}
    </section>
  )
}

/** Newest first. */
function HitsTable({ history: { times, range }, series, totals }: Omit<TablesProps, 'hues'>) {
  const { whole } = useFormats()
  return (
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
          <th scope="row">{`Peak per ${ranges[range].period}`}</th>
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
  )
}

function EventsTable({ events, hues }: { events: HistoryEvent[]; hues: Hues }) {
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          <th scope="col">At</th>
          <th scope="col">Server</th>
          <th scope="col">Event</th>
        </tr>
      </thead>
      <tbody>
        {events.map(event => (
          <tr key={`${event.id} ${event.type} ${event.at}`}>
            <th scope="row">
              <Moment iso={event.at} to="second" />
            </th>
            <td>
              <ServerName name={event.name} hue={hues[event.srv_id]} />
            </td>
            <td>{wordsOf(event)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
